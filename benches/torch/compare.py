"""Our Inception-v4 and timm's in eager PyTorch on the same machine, in turns: forward passes, training
steps, peak memory; medians and ratios.

usage: compare.py STEP_SPEED [--devices tch,flex] [--rounds N] [--batch 8] [--size 299] [--threads 2]
                              [--torch-device cpu] [--layouts nchw,channels_last] [--words forward,step]

STEP_SPEED is the built example of crates/trainer. benches/torch/run builds it and calls this. A device of ours may have a
level of mixed precision behind it: tch@O2. Of the words, `folded` (the forward pass as validate and predict do it) is ours
alone; its ratios are to timm's forward pass.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


class Ended(Exception):
    """A contestant is no more; `words` are the last it said."""

    def __init__(self, what: str, words: str = "") -> None:
        lines = [line.strip() for line in words.splitlines() if line.strip() and not line.startswith("note:")]
        super().__init__(f"{what}: {lines[-1][:300]}" if lines else what)
        self.words = words[-4000:]


class Contestant:
    """A process that does one pass for each line it reads."""

    def __init__(self, name: str, command: list[str], threads: int) -> None:
        # Waiting threads must not spin: another contestant is computing then.
        quiet = {"OMP_NUM_THREADS": str(threads), "RAYON_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
        quiet["RUST_BACKTRACE"] = "0"
        self.name, self.errors = name, tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command,
            env=os.environ | quiet,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            start_new_session=True,  # with whatever processes it starts, as torch.compile does
        )

    def ask(self, word: str) -> float:
        try:
            self.process.stdin.write(word + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        try:
            return float(answer)
        except ValueError:
            self.end(patience=5)
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace") or answer
            raise Ended(f"{self.name} ended with {self.process.returncode}", said) from None

    def end(self, patience: float = 0) -> None:
        """Ends it and all that it started, after so many seconds at most if it is about to end by itself."""
        if self.process.returncode is not None:
            return
        try:
            # It stays a zombie meanwhile, so its number is nobody else's.
            ended = lambda: os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            until = time.monotonic() + patience
            while time.monotonic() < until and not ended():
                time.sleep(0.05)
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, ChildProcessError):
            pass
        self.process.wait()


def ours(step_speed: str, device: str, shape: list[str], threads: int) -> Contestant:
    """`device` may end in @LEVEL."""
    name, _, level = device.partition("@")
    return Contestant(f"ours, {device}", [step_speed, name, *shape, level or "O0"], threads)


def timms(layout: str, device: str, shape: list[str], threads: int) -> Contestant:
    worker = str(Path(__file__).with_name("worker.py"))
    return Contestant(f"timm, {layout}", [sys.executable, worker, layout, device, *shape, str(threads)], threads)


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
    parser.add_argument("--words", default="forward,step", help="what is timed: forward, folded, step")
    args = parser.parse_args()

    layouts = args.layouts.split(",")
    shape = [str(args.batch), str(args.size)]
    words = args.words.split(",")
    contestants = [ours(args.step_speed, device, shape, args.threads) for device in args.devices.split(",")]
    contestants += [timms(layout, args.torch_device, shape, args.threads) for layout in layouts]
    times = {}
    for round_number in range(args.rounds + 1):
        for word in words:
            for contestant in contestants:
                if word == "folded" and contestant.name.startswith("timm"):
                    continue
                took = contestant.ask(word)
                if round_number:  # the first warms up
                    times.setdefault((contestant.name, word), []).append(took)

    import torch

    print(f"batch {args.batch}, {args.size} px, {args.threads} threads, torch {torch.__version__} for timm,")
    print(f"medians of {args.rounds} rounds in turns; ratios of medians to timm's {' / '.join(layouts)}\n")
    print("| |" + "".join(f" {word}, ms | ratios |" for word in words) + " peak MiB |")
    print("|---|" + "---:|---:|" * len(words) + "---:|")
    medians = {key: statistics.median(values) for key, values in times.items()}
    for contestant in contestants:
        cells = []
        for word in words:
            own = medians.get((contestant.name, word))
            if own is None:
                cells += ["", ""]
                continue
            peer = "forward" if word == "folded" else word
            ratios = (own / medians[f"timm, {layout}", peer] for layout in layouts)
            cells += [f"{own:.0f}", " / ".join(f"{ratio:.2f}" for ratio in ratios)]
        print(f"| {contestant.name} | {' | '.join(cells)} | {contestant.ask('memory'):.0f} |")


if __name__ == "__main__":
    main()
