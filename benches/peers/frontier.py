"""Draws stored bytes per image against speed, for every encoding and loader that run.py measured, as an SVG.

    python3 benches/peers/frontier.py peers.json > docs/frontier.svg
    python3 benches/peers/frontier.py peers.json --cpu "AMD EPYC (Zen 5, AVX-512)" > docs/frontier.svg

It also takes a report of `shard bench --compare ... --json FILE`, which holds our encodings on one machine.
"""

import argparse
import json
import math
import statistics
from xml.sax.saxutils import escape

WORK = "crop, flip -> u8"
# What MindCV reports for Inception-v4 on eight Ascend 910* cards.
TARGET = 3161.66
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 500, 80, 30, 76, 66
OURS, THEIRS, INK, FAINT = "#b3261e", "#35618e", "#222", "#5f6368"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report")
    parser.add_argument("--cpu", help="the processor's name in the subtitle [default: the report's]")
    args = parser.parse_args()
    with open(args.report) as file:
        points, threads, cpu = read(json.load(file))
    sizes, rates = [size for _, size, _ in points], [rate for *_, rate in points] + [TARGET]
    x, y = axis(sizes, LEFT, WIDTH - RIGHT), axis(rates, HEIGHT - BOTTOM, TOP)
    subtitle = f"Random resized crop to 299 px, flip, u8 batches; {threads} threads, {args.cpu or cpu}. Logarithmic axes."
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="14">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, 28, "Images per second against stored bytes per image", "start", INK, 'font-size="18" font-weight="bold"'),
        text(LEFT, 50, subtitle, "start", FAINT, 'font-size="13"'),
    ]
    for at in ticks(sizes):
        out += [line(x(at), TOP, x(at), HEIGHT - BOTTOM), text(x(at), HEIGHT - BOTTOM + 20, f"{at:g} kB", "middle", FAINT)]
    for at in ticks(rates):
        out += [line(LEFT, y(at), WIDTH - RIGHT, y(at)), text(LEFT - 8, y(at) + 5, f"{at:,g}", "end", FAINT)]
    out += [
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 18, "stored bytes per image", "middle", INK),
        text(16, (TOP + HEIGHT - BOTTOM) / 2, "images per second", "middle", INK,
             f'transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2:.1f})"'),
        line(LEFT, y(TARGET), WIDTH - RIGHT, y(TARGET), '#888" stroke-dasharray="6 4'),
        text(WIDTH - RIGHT - 4, y(TARGET) - 6, f"MindCV on 8 Ascend 910* cards: {TARGET:,.0f}", "end", FAINT, 'font-size="13"'),
    ]
    taken = []
    for name, size, rate in sorted(points, key=lambda point: -point[2]):
        ours = name.startswith("imshard")
        color = OURS if ours else THEIRS
        out.append(f'<circle cx="{x(size):.1f}" cy="{y(rate):.1f}" r="{7 if ours else 5}" fill="{color}"/>')
        # A label stands to the right of its point, or to the left near the edge, and below labels that it would touch.
        left = x(size) > WIDTH - 250
        place, height = x(size) + (-12 if left else 12), y(rate) + 5
        while any(abs(height - other) < 16 and abs(place - at) < 200 for at, other in taken):
            height += 16
        taken.append((place, height))
        weight = 'font-weight="bold"' if ours else ""
        out.append(text(place, height, f"{name}: {rate:,.0f}", "end" if left else "start", color, weight))
    print("\n".join(out + ["</svg>"]))


def read(report):
    """Name, kilobytes and rate of each point; the number of threads; the processor."""
    if "rows" in report:
        rows = [row for row in report["rows"] if row["work"] == WORK and row["img_per_s"]]
        points = [(row["loader"], row["bytes_per_image"] / 1000, statistics.median(row["img_per_s"])) for row in rows]
        points = [(name.replace("this, ", "imshard, "), *rest) for name, *rest in points]
        return points, report["workers"], report["cpu"]
    threads = max(row["threads"] for row in report["results"])
    rows = [row for row in report["results"] if row["threads"] == threads]
    points = [("imshard, " + row["set"], row["bytes_per_image"] / 1000, row["img_per_s"]) for row in rows]
    return points, threads, report["machine"]["cpu"]


def axis(values, start, end):
    low, high = math.log(min(values) * 0.8), math.log(max(values) * 1.25)
    return lambda value: start + (end - start) * (math.log(value) - low) / (high - low)


def ticks(values):
    marks = [base * 10**power for power in range(-1, 6) for base in (1, 2, 5)]
    return [mark for mark in marks if min(values) * 0.8 <= mark <= max(values) * 1.25]


def line(x1, y1, x2, y2, stroke="#e3e3e3"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"/>'


def text(x, y, words, anchor, color, more=""):
    space = " " if more else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}"{space}{more}>{escape(words)}</text>'


if __name__ == "__main__":
    main()
