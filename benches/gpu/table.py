"""What benches/gpu/run does: whether the losses on the GPU are the CPU's, training throughput beside timm's, the whole
path from shards. Not to be called by itself.

The most important comes first. What fails, or takes longer than its share, says so in its place and leaves the rest
standing. Every finding is in results.json at once, so whatever ends this early leaves what was found until then; --more
goes on with what is missing, --show prints it.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

from compare import Contestant, Ended, ours, timms
from results import COMPILED, EAGER, FULL, HALF, OURS, Results, row_key

BEGAN = time.monotonic()
LEAST = 12.0  # seconds below which nothing is begun
PATIENCE = 3  # times a share of the time, where a CPU does a GPU's work
SMALLEST = "75"  # pixels that a network takes
OUTPUT = re.compile(
    r"real data\s+(?P<real>\S+) img/s\s+data wait (?P<data_wait_percent>\S+) %\s+"
    r"cached batch\s+(?P<cached>\S+) img/s.*\s+loader alone\s+(?P<loader>\S+) img/s"
)


class Late(Ended):
    """It took longer than it had."""


class Clock:
    """Of the whole run."""

    def __init__(self, seconds: float, patience: float) -> None:
        self.ends, self.patience = BEGAN + seconds, patience

    def left(self) -> float:
        return self.ends - time.monotonic()

    def share(self, seconds: float) -> float:
        return min(seconds * self.patience, self.left())


def train(device: str, config: str, seconds: float, *arguments: str, tf32: bool = True) -> str:
    """The standard output of our `train`."""
    command = ["bin/train", "--config", config, "--data-dir", "shards", "--device", device, *arguments]
    # Rounding to TF32 in convolutions is PyTorch's default, and ours; it would hide what is to be seen.
    environment = os.environ | {"RUST_BACKTRACE": "0"} | ({} if tf32 else {"NVIDIA_TF32_OVERRIDE": "0"})
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds)
    if done.returncode != 0:
        raise Ended(f"train on {device} ended with {done.returncode}", f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def losses(device: str, seconds: float, *arguments: str) -> list[float]:
    with tempfile.TemporaryDirectory() as out:
        arguments += ("--ckpt-save-dir", out, "--epoch-size", "3", "--log-interval", "1")
        arguments += ("--warmup-epochs", "0", "--decay-epochs", "3", "--lr", "0.002", "--val-while-train", "false")
        train(device, "quickstart.yaml", seconds, *arguments, tf32=False)
        lines = [json.loads(line) for line in Path(out, "metrics.jsonl").read_text().splitlines()]
    return [line["loss"] for line in lines if line["kind"] == "train"]


def loss_curves(reference: str, device: str, seconds: float) -> dict:
    ends = time.monotonic() + seconds
    expected = losses(reference, seconds)
    found = losses(device, ends - time.monotonic())
    off = [abs(b - a) / a for a, b in zip(expected, found, strict=True)]
    # A small network without training amplifies rounding from step to step: two backends on one CPU part likewise.
    last = [statistics.mean(curve[-10:]) for curve in (expected, found)]
    holds = off[0] < 1e-4 and off[1] < 1e-3 and abs(last[1] - last[0]) / last[0] < 0.05
    rule = "The first within 0.01 %, the second within 0.1 %, the mean of the last ten within 5 %"
    return {"reference": reference, "device": device, "expected": expected, "curve": found, "holds": holds, "rule": rule}


def losses_in_half(device: str, seconds: float) -> dict:
    return {"curve": losses(device, seconds, "--amp-level", "O2")}


def memory_used() -> int | None:
    """MiB of the first GPU, of all processes."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    try:
        return int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def whole_path(device: str, batch: int, steps: int, arguments: list[str], seconds: float) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        sized = ["--batch-size", str(batch), "--bench-steps", str(steps), "--num-classes", "5", "--ckpt-save-dir", folder]
        text = train(device, "inception_v4.yaml", seconds, *arguments, *sized)
    numbers = OUTPUT.search(text)
    found = {name: float(value) for name, value in numbers.groupdict().items()} if numbers else {}
    return {"text": text.strip()} | found


class Row:
    """One contestant's training step at one batch size. It can be started ahead of its turn."""

    def __init__(self, name: str, batch: int, seconds: float, make, inference: str | None = None) -> None:
        self.name, self.batch, self.seconds, self.make, self.inference = name, batch, seconds, make, inference
        self.contestant: Contestant | None = None

    def start(self) -> Contestant:
        self.contestant = self.contestant or self.make()
        return self.contestant

    def end(self) -> None:
        if self.contestant:
            self.contestant.end()

    def measure(self, seconds: float, dry: bool) -> dict:
        """Of two runs of some two seconds, after two for warming up."""
        memory_before = memory_used()
        contestant, late = self.start(), threading.Event()
        watch = threading.Timer(seconds, lambda: (late.set(), contestant.end()))
        watch.start()
        try:
            warm = 1 if dry else 3
            first = contestant.ask(f"step {warm}")
            steps = 1 if dry else max(3, min(60, int(2000 / contestant.ask(f"step {warm}"))))
            took = [contestant.ask(f"step {steps}") for _ in range(2)]
            memory = memory_used()
            found = {"img_per_s": self.batch / min(took) * 1e3, "ms": took, "steps": steps, "first_ms": first}
            if memory is not None and memory_before is not None:
                found["memory_mib"] = memory - memory_before
            if self.inference:
                contestant.ask(f"{self.inference} {warm}")
                found["inference_img_per_s"] = self.batch / contestant.ask(f"{self.inference} {steps}") * 1e3
            return found
        except Ended as ended:
            raise Late("it was ended", ended.words) if late.is_set() else ended
        finally:
            watch.cancel()
            contestant.end()


def attempt(results: Results, clock: Clock, key: str, seconds: float, measure, extra: dict | None = None) -> None:
    """Measures what is not there yet, in so many seconds or what is left of all; says why if it cannot."""
    extra = extra or {}
    if "missing" not in results.found.get(key, {"missing": ""}):
        return
    began, share = time.monotonic(), clock.share(seconds)
    if clock.left() < LEAST:
        results.keep(key, extra | {"missing": "no time left", "no_time": True})
        return
    try:
        value = measure(share)
    except Exception as error:  # whatever it is, it is this row's, and the others are to stand
        late = isinstance(error, (subprocess.TimeoutExpired, Late))
        why = str(error) if isinstance(error, Ended) else f"{type(error).__name__}: {error}"
        if late:
            why = f"took longer than the {share:.0f} s that it had"
        value = {"missing": why, "no_time": late and share < seconds * clock.patience}
        if getattr(error, "words", ""):
            value["said"] = error.words
    results.keep(key, extra | value | {"seconds": round(time.monotonic() - began, 1)})
    said = value.get("missing") or {name: value[name] for name in ("img_per_s", "holds", "real") if name in value}
    print(f"{key}: {said}  [{time.monotonic() - began:.0f} s; {clock.left():.0f} s left]", flush=True)


def rows_of(dry: bool, device: str, torch_device: str, threads: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Those of the largest batch, the one with torch.compile, the rest."""
    batches, size = ([2], SMALLEST) if dry else ([256, 128, 64, 32], "299")
    levels = [(HALF, "O2", "channels_last_bf16"), (FULL, "O0", "channels_last")]
    plain, compiled = [], []
    for batch in batches:
        shape = [str(batch), size]
        largest = batch == batches[0]
        for format, level, layout in levels:
            step_speed = partial(ours, "bin/step_speed", f"{device}@{level}", shape, threads)
            plain.append(Row(f"{OURS}, {format}", batch, 90, step_speed, "folded" if largest else None))
            worker = partial(timms, layout, torch_device, shape, threads)
            plain.append(Row(f"{EAGER}, {format}", batch, 90, worker, "forward" if largest else None))
        # Two cores were not through with compiling it after 450 s.
        how = "traced" if dry else "compiled"
        worker = partial(timms, f"channels_last_bf16_{how}", torch_device, shape, threads)
        compiled.append(Row(f"{COMPILED}{' (only traced)' if dry else ''}, {HALF}", batch, 150, worker))
    return plain[:4], compiled[:1], [*plain[4:], *compiled[1:]]


def measure_rows(results: Results, clock: Clock, rows: list[Row], dry: bool) -> None:
    """In turn, each started while the one before it warms up: nothing touches the GPU before its turn."""
    rows = [row for row in rows if "img_per_s" not in results.found.get(row_key(row.name, row.batch), {})]
    try:
        for row, following in zip(rows, [*rows[1:], None]):
            def in_turn(seconds: float) -> dict:
                row.start()
                if following and not dry and clock.left() > 2 * LEAST:
                    following.start()
                return row.measure(seconds, dry)

            attempt(results, clock, row_key(row.name, row.batch), row.seconds, in_turn, {"name": row.name, "batch": row.batch})
    finally:
        for row in rows:
            row.end()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--more", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--results", type=Path, default=Path("results.json"))
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--gpu", default="")
    args = parser.parse_args()
    if args.show:
        Results.read(args.results).show()
        return
    # So that the table is printed when a time limit ends this.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))

    threads, dry = os.cpu_count() or 1, args.dry
    version = Path("torch-version").read_text().strip()
    about = {"torch": version, "gpu": args.gpu, "dry": dry, "threads": threads, "date": time.strftime("%Y-%m-%d %H:%M")}
    device, torch_device, reference = ("tch", "cpu", "flex") if dry else ("tch:cuda:0", "cuda", "tch")
    clock, results = Clock(args.seconds, PATIENCE if dry else 1), Results.begin(args.results, about, args.more)
    first, compiled, rest = rows_of(dry, device, torch_device, threads)
    largest = first[0].batch
    try:
        attempt(results, clock, "losses", 120, partial(loss_curves, reference, device))
        measure_rows(results, clock, first, dry)
        size = ["--image-resize", SMALLEST] if dry else []
        path = partial(whole_path, device, largest, 3 if dry else 30, ["--amp-level", "O2", *size])
        attempt(results, clock, f"whole path from shards, bf16, batch {largest}", 90, path)
        attempt(results, clock, "losses in bf16", 60, partial(losses_in_half, device))
        # Compiling takes a minute or more for each batch size.
        measure_rows(results, clock, compiled, dry)
        measure_rows(results, clock, rest, dry)
    finally:
        results.show()
        wrong = results.failures()
        print(f"\n{time.monotonic() - BEGAN:.0f} s; {args.results.resolve()}; " + (f"FAILED: {'; '.join(wrong)}" if wrong else "nothing failed"))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
