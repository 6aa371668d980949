"""What benches/gpu/run prints: whether the losses on the GPU are the CPU's, training throughput beside timm's, the whole
path from shards. Not to be called by itself. What there is no time for, or no memory, says so in its cell.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from compare import Contestant, Ended, ours, timms

BEGAN = time.monotonic()
SECONDS = 450.0  # of the eight minutes
HALF, FULL = "bf16", "f32"
SMALLEST = "75"  # pixels that a network takes


def left() -> float:
    return SECONDS - (time.monotonic() - BEGAN)


def train(device: str, config: str, *arguments: str, tf32: bool = True) -> str:
    """The standard output of our `train`."""
    command = ["bin/train", "--config", config, "--data-dir", "shards", "--device", device, *arguments]
    # Rounding to TF32 in convolutions is PyTorch's default, and ours; it would hide what is to be seen.
    environment = os.environ if tf32 else os.environ | {"NVIDIA_TF32_OVERRIDE": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=max(left(), 1.0))
    if done.returncode != 0:
        raise Ended(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def losses(device: str, folder: str) -> list[float]:
    out = Path(folder, device.replace(":", "-"))
    arguments = ["--ckpt-save-dir", str(out), "--epoch-size", "3", "--log-interval", "1", "--val-while-train", "false"]
    arguments += ["--warmup-epochs", "0", "--decay-epochs", "3", "--lr", "0.002"]
    train(device, "quickstart.yaml", *arguments, tf32=False)
    lines = map(json.loads, (out / "metrics.jsonl").read_text().splitlines())
    return [line["loss"] for line in lines if line["kind"] == "train"]


def loss_curves(reference: str, device: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        expected, found = losses(reference, folder), losses(device, folder)
    print(f"\n## Losses, small network, f32, on {reference} and on {device}\n\n| step | {reference} | {device} | off |")
    print("|---:|---:|---:|---:|")
    off = [abs(b - a) / a for a, b in zip(expected, found, strict=True)]
    for step in sorted({*range(min(5, len(off))), len(off) // 2, len(off) - 1}):
        print(f"| {step + 1} | {expected[step]:.5f} | {found[step]:.5f} | {off[step]:.1e} |")
    # A small network without training amplifies rounding from step to step: two backends on one CPU part likewise.
    last = [statistics.mean(curve[-10:]) for curve in (expected, found)]
    holds = off[0] < 1e-4 and off[1] < 1e-3 and abs(last[1] - last[0]) / last[0] < 0.05
    said = "the first within 0.01 %, the second within 0.1 %, the mean of the last ten within 5 %"
    print(f"\n{said}: {'HOLDS' if holds else 'DOES NOT HOLD'}", flush=True)
    return holds


def memory_used() -> int | None:
    """MiB of the first GPU, of all processes."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]
    try:
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def measure(contestant: Contestant, steps: int) -> tuple[float, int | None]:
    """Milliseconds a step, the better of two runs of `steps`, and the memory then. The contestant ends."""
    watch = threading.Timer(max(left(), 1.0), contestant.process.kill)
    watch.start()
    try:
        contestant.ask(f"step {max(steps // 4, 1)}")
        took = min(contestant.ask(f"step {steps}") for _ in range(2))
        return took, memory_used()
    finally:
        watch.cancel()
        contestant.end()


class Table:
    """Measurements by name and batch, printed as they come and at the end as a table."""

    def __init__(self, shape: list[str], steps: int) -> None:
        self.shape, self.steps = shape, steps
        self.rates, self.cells = {}, {}

    def add(self, name: str, batch: int, make) -> None:
        if left() < 15:
            self.cells[name, batch] = "no time"
            return
        try:
            took, memory = measure(make([str(batch), *self.shape]), self.steps)
            rate = batch / took * 1e3
            self.rates[name, batch] = rate
            self.cells[name, batch] = f"{rate:.4g}" + (f" ({memory} MiB)" if memory else "")
        except Ended as ended:
            self.cells[name, batch] = "no time" if left() < 1 else f"failed: {ended}"
        print(f"batch {batch}, {name}: {self.cells[name, batch]}  [{left():.0f} s left]", flush=True)

    def show(self, batches: list[int], ratios: list[tuple[str, str]]) -> None:
        names = list(dict.fromkeys(name for name, _ in self.cells))
        print("\n## Training, images a second\n\n| |" + "".join(f" batch {batch} |" for batch in batches))
        print("|---|" + "---:|" * len(batches))
        for name in names:
            print(f"| {name} | " + " | ".join(self.cells.get((name, batch), "") for batch in batches) + " |")
        for over, under in ratios:
            pairs = [(self.rates.get((over, batch)), self.rates.get((under, batch))) for batch in batches]
            cells = [f"{a / b:.2f}" if a and b else "" for a, b in pairs]
            print(f"| {over} / {under} | " + " | ".join(cells) + " |")
        sys.stdout.flush()


def whole_path(device: str, batch: int, steps: int, *arguments: str) -> None:
    print(f"\n## The whole path from shards, batch {batch}, {' '.join(arguments) or 'f32'}\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        sized = ["--batch-size", str(batch), "--bench-steps", str(steps), "--num-classes", "5", "--ckpt-save-dir", folder]
        print(train(device, "inception_v4.yaml", *arguments, *sized), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    dry = parser.parse_args().dry
    threads = os.cpu_count() or 1
    device, torch_device = ("tch", "cpu") if dry else ("tch:cuda:0", "cuda")
    batches, steps = ([2], 1) if dry else ([32, 64, 128, 256], 20)
    failed = []

    def attempt(what, *arguments) -> None:
        try:
            if what(*arguments) is False:
                failed.append(what.__name__)
        except (Ended, subprocess.TimeoutExpired, OSError) as error:
            failed.append(what.__name__)
            print(f"{what.__name__} failed: {error}", flush=True)

    attempt(loss_curves, "flex" if dry else "tch", device)

    table = Table([SMALLEST if dry else "299"], steps)
    eager, compiled = "timm, channels-last", "timm, channels-last, torch.compile"
    for batch in reversed(batches):
        for format, level, layout in ((HALF, "O2", "channels_last_bf16"), (FULL, "O0", "channels_last")):
            table.add(f"ours, {format}", batch, lambda shape: ours("bin/step_speed", f"{device}@{level}", shape, threads))
            table.add(f"{eager}, {format}", batch, lambda shape: timms(layout, torch_device, shape, threads))
    pairs = [(f"ours, {format}", f"{eager}, {format}") for format in (HALF, FULL)]
    table.show(batches, pairs)

    size = ["--image-resize", SMALLEST] if dry else []
    attempt(whole_path, device, batches[-1], steps + 10, "--amp-level", "O2", *size)

    # Last, because compiling takes a minute or more for each batch size.
    for batch in reversed(batches):
        layout = "channels_last_bf16_compiled"
        table.add(f"{compiled}, {HALF}", batch, lambda shape: timms(layout, torch_device, shape, threads))
    table.show(batches, [*pairs, (f"ours, {HALF}", f"{compiled}, {HALF}")])
    print(f"\n{time.monotonic() - BEGAN:.0f} s; " + (f"FAILED: {', '.join(failed)}" if failed else "everything ran"))
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
