"""Draws stored bytes against speed, for every encoding and loader that run.py measured, as an SVG.

    python3 benches/peers/frontier.py peers.json > docs/frontier.svg

Takes a report of `shard bench --compare ... --json FILE` as well: encodings of ours on one machine.
"""

import json
import math
import statistics
import sys
from xml.sax.saxutils import escape

WORK = "crop, flip -> u8"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 480, 70, 30, 40, 60


def main():
    with open(sys.argv[1]) as file:
        report = json.load(file)
    points, words = read(report)
    x = axis([size for _, size, _ in points], LEFT, WIDTH - RIGHT)
    y = axis([rate for *_, rate in points], HEIGHT - BOTTOM, TOP)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="20">Images a second against stored size: {escape(words)}; both axes logarithmic</text>',
    ]
    for at in ticks([size for _, size, _ in points]):
        out += [line(x(at), TOP, x(at), HEIGHT - BOTTOM), text(x(at), HEIGHT - BOTTOM + 20, f"{at:g} kB", "middle")]
    for at in ticks([rate for *_, rate in points]):
        out += [line(LEFT, y(at), WIDTH - RIGHT, y(at)), text(LEFT - 8, y(at) + 4, f"{at:g}", "end")]
    out.append(text((LEFT + WIDTH) / 2, HEIGHT - 15, "stored bytes of an image", "middle"))
    below = []
    for name, size, rate in sorted(points, key=lambda point: -point[2]):
        ours = name.startswith("this")
        color = "#b3261e" if ours else "#44576b"
        out.append(f'<circle cx="{x(size):.1f}" cy="{y(rate):.1f}" r="{6 if ours else 4}" fill="{color}"/>')
        # Labels right of their points, each below the one before where they would touch.
        top = y(rate) + 4
        while any(abs(top - other) < 14 and abs(x(size) - at) < 200 for at, other in below):
            top += 14
        below.append((x(size), top))
        end = x(size) > WIDTH - 220
        place = x(size) + (-10 if end else 10)
        out.append(text(place, top, f"{name}: {rate:,.0f}", "end" if end else "start", color))
    print("\n".join(out + ["</svg>"]))


def read(report):
    """Name, kilobytes and rate of each, and what they have in common."""
    if "rows" in report:
        rows = [row for row in report["rows"] if row["work"] == WORK and row["img_per_s"]]
        points = [(row["loader"], row["bytes_per_image"] / 1000, statistics.median(row["img_per_s"])) for row in rows]
        return points, f'{WORK}, {report["workers"]} threads, {report["cpu"]}'
    threads = max(row["threads"] for row in report["results"])
    rows = [row for row in report["results"] if row["threads"] == threads]
    points = [("this, " + row["set"], row["bytes_per_image"] / 1000, row["img_per_s"]) for row in rows]
    return points, f'{WORK}, {threads} threads, {report["machine"]["cpu"]}'


def axis(values, start, end):
    low, high = math.log(min(values) * 0.8), math.log(max(values) * 1.25)
    return lambda value: start + (end - start) * (math.log(value) - low) / (high - low)


def ticks(values):
    marks = [base * 10**power for power in range(-1, 6) for base in (1, 2, 5)]
    return [mark for mark in marks if min(values) * 0.8 <= mark <= max(values) * 1.25]


def line(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def text(x, y, words, anchor, color="#222"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">{escape(words)}</text>'


if __name__ == "__main__":
    main()
