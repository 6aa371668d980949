"""What was measured, kept in a file of JSON after each measurement, and printed as tables. Measures nothing itself."""

import json
import os
import statistics
from pathlib import Path

HALF, FULL = "bf16", "f32"
OURS, EAGER, COMPILED = "ours", "timm, channels-last", "timm, channels-last, torch.compile"
# What a rate is divided by another for.
RATIOS = [(f"{OURS}, {HALF}", f"{EAGER}, {HALF}"), (f"{OURS}, {FULL}", f"{EAGER}, {FULL}")]
RATIOS += [(f"{OURS}, {HALF}", f"{COMPILED}, {HALF}")]


def row_key(name: str, batch: int) -> str:
    return f"training, {name}, batch {batch}"


class Results:
    """Findings by name: numbers, or under `missing` why there are none."""

    def __init__(self, path: Path, about: dict, found: dict) -> None:
        self.path, self.about, self.found = path, about, found

    @classmethod
    def begin(cls, path: Path, about: dict, go_on: bool) -> "Results":
        """With what the file has if this is to go on with it; otherwise that is put aside."""
        found = {}
        if go_on and path.exists():
            kept = json.loads(path.read_text())
            for name in ("torch", "gpu", "dry"):
                if kept["about"].get(name) != about.get(name):
                    raise SystemExit(f"run: {path} is of {name} {kept['about'].get(name)}, not {about.get(name)}")
            found = {key: value for key, value in kept["found"].items() if "missing" not in value}
        elif path.exists():
            os.replace(path, path.with_suffix(".before.json"))
        return cls(path, about, found)

    @classmethod
    def read(cls, path: Path) -> "Results":
        kept = json.loads(path.read_text())
        return cls(path, kept["about"], kept["found"])

    def keep(self, key: str, value: dict) -> None:
        """Adds one, and writes all anew: at every instant the file is whole."""
        self.found[key] = value
        new = self.path.with_suffix(".tmp")
        with open(new, "w") as file:
            json.dump({"about": self.about, "found": self.found}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)

    def failures(self) -> list[str]:
        """What went wrong, which lack of time is not."""
        wrong = [key for key, value in self.found.items() if "missing" in value and not value.get("no_time")]
        return wrong + [key for key, value in self.found.items() if value.get("holds") is False]

    def show(self) -> None:
        about = self.about
        print(f"\n# {about['gpu'] or 'no GPU'}, torch {about['torch']}, {about['threads']} threads" + (", DRY" if about["dry"] else ""))
        self._losses()
        rows = [(key, value) for key, value in self.found.items() if "batch" in value]
        self._rates("Training", "img_per_s", rows)
        self._rates("Inference (folded; timm: eval)", "inference_img_per_s", rows)
        for key, value in self.found.items():
            if "text" in value:
                print(f"\n## {key}\n\n{value['text']}")
        missing = [(key, value["missing"]) for key, value in self.found.items() if "missing" in value]
        if missing:
            print("\n## Not measured\n")
            for key, why in missing:
                print(f"- {key}: {why}")

    def _losses(self) -> None:
        plain = self.found.get("losses")
        if not plain or "missing" in plain:
            return
        half = self.found.get("losses in bf16", {}).get("curve")
        expected, found = plain["expected"], plain["curve"]
        print(f"\n## Losses, small network, f32, {plain['reference']} and {plain['device']}; bf16 beside them\n")
        print("| step | reference | device | off | device, bf16 |\n|---:|---:|---:|---:|---:|")
        for step in sorted({*range(min(5, len(found))), len(found) // 2, len(found) - 1}):
            off = abs(found[step] - expected[step]) / expected[step]
            beside = f"{half[step]:.5f}" if half else ""
            print(f"| {step + 1} | {expected[step]:.5f} | {found[step]:.5f} | {off:.1e} | {beside} |")
        means = [f"{statistics.mean(curve[-10:]):.4f}" for curve in (expected, found, half) if curve]
        print(f"\nMeans of the last ten: {' / '.join(means)}. {plain['rule']}: {'HOLDS' if plain['holds'] else 'DOES NOT HOLD'}")

    def _rates(self, title: str, rate: str, rows: list) -> None:
        cells, numbers = {}, {}
        for _, value in rows:
            place = value["name"], value["batch"]
            if "missing" in value and rate == "img_per_s":
                cells[place] = "no time" if value.get("no_time") else "failed"
            elif rate in value:
                numbers[place] = value[rate]
                memory = value.get("memory_mib") if rate == "img_per_s" else None
                cells[place] = f"{value[rate]:.4g}" + (f" ({memory} MiB)" if memory else "")
        if not numbers and rate != "img_per_s":
            return
        batches = sorted({batch for _, batch in numbers or cells})
        print(f"\n## {title}, images a second\n\n| |" + "".join(f" batch {batch} |" for batch in batches))
        print("|---|" + "---:|" * len(batches))
        for name in dict.fromkeys(name for name, _ in cells):
            line = [cells.get((name, batch), "") for batch in batches]
            if any(line):
                print(f"| {name} | " + " | ".join(line) + " |")
        for over, under in RATIOS:
            pairs = [(numbers.get((over, batch)), numbers.get((under, batch))) for batch in batches]
            line = [f"**{a / b:.2f}**" if a and b else "" for a, b in pairs]
            if any(line):
                print(f"| {over} / {under} | " + " | ".join(line) + " |")
