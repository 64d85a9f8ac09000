"""Runs the bench and prints a table of ratios.

    python bench/run.py [SCENARIO ...] [--tier avx2] [--pictures DIR]

Every competitor sits in a process of its own, in the virtual environment that it needs. Answers are
compared first; then the competitors run in turns. A ratio is taken within each round and the median
of them counts: clocks and neighbours change more slowly than turns, so both sides suffer alike.
Fresh processes are launched a few times, as where their memory falls makes some slower than others.
"""

import argparse
import hashlib
import os
import platform
import runpy
import subprocess
import sys
from pathlib import Path
from statistics import median

import venvs
from duel import Figures, Worker, figures
from scenario import Bar, Scenario


def competitors(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.py") if file.stem != "bars")


def pictures(source: Path | None, python: Path) -> Path:
    """Where the pictures are, which are made once, by an interpreter that has Pillow."""
    name = "synthetic"
    if source is not None:
        name = hashlib.sha256(bytes(source.resolve())).hexdigest()[:12]
    more = [source] if source else []
    return made_once(venvs.BENCH / "data" / name, [python, venvs.BENCH / "pictures.py"], more)


def made_once(target: Path, command: list[Path], more: list[Path]) -> Path:
    """What `command TARGET MORE...` writes."""
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        subprocess.run([*command, unfinished, *more], check=True)
        unfinished.rename(target)
    return target


def row(title: str, bar: Bar, measured: Figures, tier: str) -> list[str]:
    def shown(name: str) -> str:
        value = median(measured[name][bar.metric])
        return seconds(value) if bar.metric in ("cpu", "wall") else f"{value:.4g}"

    ours = measured[bar.ours][bar.metric]
    peers = measured[bar.peer][bar.metric] if bar.peer else [None] * len(ours)
    value = median(bar.value(*pair) for pair in zip(ours, peers, strict=True))
    limit = bar.limit(tier)
    wanted = "" if limit is None else f"{'<=' if bar.at_least is None else '>='} {limit:g}"
    met = "" if limit is None else "yes" if bar.met(value, limit) else "**no**"
    who = bar.peer or "" if bar.ours == "lightmeter" else f"{bar.ours} / {bar.peer}"
    peer = shown(bar.peer) if bar.peer else ""
    return [title, bar.metric, who, shown(bar.ours), peer, f"{value:.3g}", wanted, met]


def launch(
    scenario: Scenario, files: list[Path], case: str, data: Path, tier: str | None
) -> tuple[Figures, dict[str, dict[str, str]]]:
    """The figures of one launch, and the versions that each competitor ran with."""
    workers = [Worker(file, case, data, tier) for file in files]
    try:
        versions = {worker.name: worker.ask("versions") for worker in workers}
        return figures(scenario, workers), versions
    finally:
        for worker in workers:
            worker.stop()


def run(
    folder: Path, data: Path, forced_tier: str | None, environments: set[str]
) -> list[list[str]]:
    """The rows of a scenario; adds to `environments` what its competitors ran in."""
    scenario: Scenario = runpy.run_path(str(folder / "bars.py"))["SCENARIO"]
    rows: list[list[str]] = []
    for case in scenario.cases:
        title = f"{folder.name} {case}".strip()
        print(f"{title} ...", file=sys.stderr)
        measured: Figures = {}
        for _ in range(scenario.launches):
            more, versions = launch(scenario, competitors(folder), case, data, forced_tier)
            for name, metrics in more.items():
                for metric, values in metrics.items():
                    measured.setdefault(name, {}).setdefault(metric, []).extend(values)
        tier = versions["lightmeter"]["tier"]
        title += f", per {scenario.unit}"
        rows += [
            row(title, bar, measured, tier) for bar in scenario.bars if bar.case in (None, case)
        ]
        for about in versions.values():
            environments.add(", ".join(f"{name} {version}" for name, version in about.items()))
    return rows


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {os.cpu_count()} processors"


def seconds(value: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    folders = {path.parent.name: path.parent for path in sorted(venvs.BENCH.glob("*/bars.py"))}
    parser = argparse.ArgumentParser(description="Compare lightmeter with its peers.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=", ".join(folders))
    parser.add_argument("--tier", help="LIGHTMETER_KERNELS: scalar, avx2 or neon")
    parser.add_argument("--pictures", type=Path, help="a folder of your own JPEGs")
    options = parser.parse_args()
    if unknown := set(options.scenarios) - folders.keys():
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(folders)}")
    data = pictures(options.pictures, venvs.lightmeter())
    environments: set[str] = set()
    head = ["scenario", "figure", "against", "lightmeter", "peer", "ratio", "bar", "met"]
    print(line(head), line(["---"] * len(head)), sep="\n")
    for name in options.scenarios or folders:
        print(
            *map(line, run(folders[name], data, options.tier, environments)), sep="\n", flush=True
        )
    print("", machine(), *sorted(environments), sep="\n")


if __name__ == "__main__":
    main()
