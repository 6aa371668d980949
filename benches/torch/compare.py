"""Our Inception-v4 and timm's in eager PyTorch on the same machine, in turns: forward passes, training
steps, peak memory; medians and ratios.

usage: compare.py STEP_SPEED [--devices tch,flex] [--rounds N] [--batch 8] [--size 299] [--threads 2]
                              [--torch-device cpu] [--layouts nchw,channels_last]

STEP_SPEED is the built example of crates/trainer. benches/torch/run builds it and calls this.
"""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path


class Contestant:
    """A process that does one pass for each line it reads."""

    def __init__(self, name: str, command: list[str], threads: int) -> None:
        # Waiting threads must not spin: another contestant is computing then.
        quiet = {"OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
        self.name = name
        self.process = subprocess.Popen(
            command, env=os.environ | quiet, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, word: str) -> float:
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{self.name} ended with {self.process.wait()}")
        return float(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step_speed")
    parser.add_argument("--devices", default="tch", help="of ours, separated by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=299)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--torch-device", default="cpu", help="where timm computes: cpu or cuda")
    parser.add_argument("--layouts", default="nchw,channels_last", help="of timm's; ratios are to each of them")
    args = parser.parse_args()

    layouts = args.layouts.split(",")
    shape = [str(args.batch), str(args.size)]
    worker = str(Path(__file__).with_name("worker.py"))
    contestants = [
        Contestant(f"ours, {device}", [args.step_speed, device, *shape], args.threads)
        for device in args.devices.split(",")
    ] + [
        Contestant(
            f"timm, {layout}", [sys.executable, worker, layout, args.torch_device, *shape, str(args.threads)], args.threads
        )
        for layout in layouts
    ]
    words = ("forward", "step")
    times = {(contestant.name, word): [] for contestant in contestants for word in words}
    for round_number in range(args.rounds + 1):
        for word in words:
            for contestant in contestants:
                took = contestant.ask(word)
                if round_number:  # the first warms up
                    times[contestant.name, word].append(took)

    import torch

    print(f"batch {args.batch}, {args.size} px, {args.threads} threads, f32, torch {torch.__version__} for timm,")
    print(f"medians of {args.rounds} rounds in turns; ratios of medians to timm's {' / '.join(layouts)}\n")
    print("| | forward, ms | ratios | training step, ms | ratios | peak MiB |")
    print("|---|---:|---:|---:|---:|---:|")
    medians = {key: statistics.median(values) for key, values in times.items()}
    for contestant in contestants:
        cells = []
        for word in words:
            own = medians[contestant.name, word]
            ratios = (own / medians[f"timm, {layout}", word] for layout in layouts)
            cells += [f"{own:.0f}", " / ".join(f"{ratio:.2f}" for ratio in ratios)]
        print(f"| {contestant.name} | {' | '.join(cells)} | {contestant.ask('memory'):.0f} |")


if __name__ == "__main__":
    main()
