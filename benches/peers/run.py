"""Our loader and others', interleaved, on the same images and the same work; medians, as a Markdown table.

    python3 benches/peers/run.py --raw RAW [--rounds 3] [--workers 2] [--json FILE]

RAW holds class folders (RAW/train/<class>/*.JPEG). The first run makes a virtual environment for each library under
target/peers (several GB from PyPI: DALI, MindSpore with MindCV, PyTorch with torchvision) and packs RAW with
`shard build`; --venvs DIR uses ready ones (DIR/dali, DIR/ms, DIR/torch). Whatever cannot be installed is left out and
named. Run it on an otherwise idle machine: rows are compared within one run only.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
VENVS = {
    "dali": ["nvidia-dali-cuda120", "numpy"],
    "ms": ["mindspore==2.10.0", "mindcv==0.3.0"],
    "torch": ["torch", "torchvision"],
    # Its build wants OpenCV's and TurboJPEG's headers (libopencv-dev, libturbojpeg0-dev, pkg-config) and old tools.
    "ffcv": ["torch", "torchvision", "numpy<2.3", "numba", "opencv-python-headless", "pandas", "assertpy", "fastargs",
             "imgcat", "pyturbojpeg", "psutil", "terminaltables", "tqdm", "pybind11", "setuptools<80", "ffcv==1.0.2"],
}

# Images in an epoch, so that the ends of epochs, at which some loaders pause, are rare.
ENOUGH = 5000

# Row: (what it does, loader, environment or None for ours, its arguments).
CROP, RECIPE, EVAL = "crop, flip", "MindCV's recipe", "validation"
ROWS = [
    (CROP + " -> u8", "this, {encoding}", None, ["--output", "u8"]),
    (CROP + " -> u8", "DALI, CPU", "dali", ["dali", "--out", "u8"]),
    (CROP + " -> u8", "mindspore.dataset", "ms", ["mindspore", "--out", "u8"]),
    (CROP + " -> u8", "FFCV, pixels of 512 px", "ffcv", ["ffcv-raw", "--out", "u8"]),
    (CROP + " -> u8", "FFCV, JPEG q90 of 512 px", "ffcv", ["ffcv-jpg", "--out", "u8"]),
    (CROP + " -> u8", "torchvision, Pillow", "torch", ["torchvision", "--out", "u8"]),
    (CROP + " -> f32", "this, {encoding}", None, ["--output", "f32"]),
    (CROP + " -> f32", "DALI, CPU", "dali", ["dali", "--out", "f32"]),
    (CROP + " -> f32", "mindspore.dataset", "ms", ["mindspore", "--out", "f32"]),
    (CROP + " -> f32", "FFCV, pixels of 512 px", "ffcv", ["ffcv-raw", "--out", "f32"]),
    (CROP + " -> f32", "torchvision, Pillow", "torch", ["torchvision", "--out", "f32"]),
    (RECIPE + " -> u8", "this, {encoding}", None, ["--output", "u8", "--recipe", "configs/inception_v4.yaml"]),
    (RECIPE + " -> f32", "this, {encoding}", None, ["--output", "f32", "--recipe", "configs/inception_v4.yaml"]),
    (RECIPE + " -> f32", "mindspore.dataset", "ms", ["mindcv-recipe", "--out", "f32"]),
    (EVAL + " -> u8", "this, {encoding}, exact", None, ["--output", "u8", "--split", "val"]),
    (EVAL + " -> u8", "torchvision, Pillow", "torch", ["torchvision-eval", "--out", "u8"]),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raw", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--encodings", default="jpeg", help="of ours, with commas, each with options of shard build if need be")
    parser.add_argument("--venvs", default=os.path.join(ROOT, "target", "peers"))
    parser.add_argument("--scratch", help="on the same file system as RAW, for hard links [default: beside RAW]")
    parser.add_argument("--json")
    args = parser.parse_args()
    args.scratch = args.scratch or os.path.dirname(os.path.abspath(args.raw))

    shard = os.path.join(ROOT, "target", "release", "shard")
    if not os.path.exists(shard):
        sys.exit(f"{shard} is not there: cargo build --release -p shard")
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch:
        raw = prepare(args.raw, scratch)
        sets = {}
        for encoding in args.encodings.split(","):
            sets[encoding] = os.path.join(scratch, f"set{len(sets)}")
            check([shard, "-q", "build", "--source", raw, "--out", sets[encoding], "--encoding"] + encoding.split())
        rows = [row for work in ROWS for row in expand(work, sets, args, shard, raw)]
        rates, stored = {index: [] for index in range(len(rows))}, {}
        for _ in range(args.rounds):
            for index, (_, name, command) in enumerate(rows):
                found = measure(command)
                if found is not None:
                    rates[index].append(found["img_per_s"])
                    stored[index] = found["bytes_per_image"]
                print(f"{name}: {found and round(found['img_per_s'])}", file=sys.stderr, flush=True)
    report = [
        {"work": work, "loader": name, "img_per_s": rates[index], "bytes_per_image": stored.get(index)}
        for index, (work, name, _) in enumerate(rows)
    ]
    table(report, args)


def prepare(raw, scratch):
    """RAW by links, often enough for epochs of some seconds; training images serve as validation images."""
    folder = os.path.join(raw, "train") if os.path.isdir(os.path.join(raw, "train")) else raw
    linked = os.path.join(scratch, "raw")
    classes = {name: sorted(os.listdir(os.path.join(folder, name))) for name in sorted(os.listdir(folder))}
    copies = max(1, ENOUGH // max(1, sum(map(len, classes.values()))))
    for name, files in classes.items():
        os.makedirs(os.path.join(linked, "train", name))
        for file in files:
            source = os.path.abspath(os.path.join(folder, name, file))
            stem, suffix = os.path.splitext(file)
            for copy in range(copies):
                os.link(source, os.path.join(linked, "train", name, f"{stem}_{copy}{suffix}"))
    os.symlink(os.path.join(linked, "train"), os.path.join(linked, "val"))
    return linked


def expand(row, sets, args, shard, raw):
    work, name, venv, arguments = row
    if venv is None:
        for encoding, path in sets.items():
            command = [shard, "bench", path, "--threads", str(args.workers), "--seconds", str(args.seconds)]
            command += ["--warmup", "2", "--batch", str(args.batch), "--size", "299", "--json"] + arguments
            yield work, name.format(encoding=named(encoding)), command
    else:
        python = environment(args.venvs, venv)
        if python:
            script = os.path.join(ROOT, "benches", "peers", "loaders.py")
            options = ["--data", raw, "--workers", str(args.workers), "--seconds", str(args.seconds)]
            yield work, name, [python, script] + arguments + options + ["--batch", str(args.batch)]


def named(encoding):
    """The encoding and the values of its options: "pixels stored" for "pixels --pixels-level stored --drop-originals"."""
    return " ".join(word for word in encoding.split() if not word.startswith("--"))


def environment(folder, name):
    home = os.path.join(folder, name)
    python = os.path.join(home, "bin", "python3")
    if not os.path.exists(python):
        try:
            check([sys.executable, "-m", "venv", home])
            check([python, "-m", "pip", "install", "-q"] + VENVS[name])
        except subprocess.CalledProcessError:
            print(f"left out: {VENVS[name]} cannot be installed", file=sys.stderr)
            return None
    return python


def check(command):
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def measure(command):
    """What it found, or nothing if it failed; the reason is on standard error."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    start = done.stdout.find("{")
    if done.returncode or start < 0:
        print(done.stderr[-500:], file=sys.stderr)
        return None
    report = json.loads(done.stdout[start:])
    return report.get("best", report)


def table(rows, args):
    with open("/proc/cpuinfo") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), platform.machine())
    print(f"{cpu}, {os.cpu_count()} CPUs, {args.workers} workers, medians of {args.rounds} interleaved rounds\n")
    print("| work | loader | img/s | range | stored B/image |\n|---|---|---:|---:|---:|")
    for row in rows:
        rates = row["img_per_s"]
        if rates:
            span = f"{min(rates):.0f}-{max(rates):.0f}"
            print(f"| {row['work']} | {row['loader']} | {statistics.median(rates):.0f} | {span} | {row['bytes_per_image']:,.0f} |")
        else:
            print(f"| {row['work']} | {row['loader']} | failed | | |")
    if args.json:
        with open(args.json, "w") as file:
            json.dump({"cpu": cpu, "workers": args.workers, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
