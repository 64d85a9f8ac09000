"""Runs the peers and prints tables of what they cost.

    python bench/peers.py                        # all
    python bench/peers.py --tables drift report  # some

Each peer has a virtual environment of its own, with pinned packages, on Python 3.11 where there is
one. What cannot be installed is listed with its error. Answers are compared first; then peers take
turns, and the best turn of each counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import venvs
from duel import Worker, figures
from peer_tasks import CASES
from run import line, machine, made_once, pictures
from scenario import Scenario

# Peer -> figure -> best of its turns.
Costs = dict[str, dict[str, float]]
PEERS: dict[str, Any] = tomllib.loads((venvs.BENCH / "peers" / "peers.toml").read_text())
INSTALLED = "installed"
IMPORTS = 3  # fresh processes
ROUNDS = 3
# OpenCV rounds, and imgeda makes large pictures smaller. DataEval reckons in 32-bit floats.
LOOSE = {("opencv", "sample"): 0.1, ("opencv", "value"): 0.1, ("imgeda", "sample"): 0.5}


def does(peer: str, case: str) -> str | None:
    """What a peer computes in a case, in words; None where it offers no such thing."""
    about = PEERS[peer]
    return about.get(case) or (about["pictures"] if case in about["cases"] else None)


def installed(peer: str) -> dict[str, float]:
    """What is installed for a peer, and the best of some imports."""
    command = [venvs.peer(peer), venvs.BENCH / "installed.py", PEERS[peer]["imports"]]
    imports = [json.loads(subprocess.check_output(command)) for _ in range(IMPORTS)]
    return {name: min(fresh[name] for fresh in imports) for name in imports[0]}


def launch(case: str, peers: list[str], data: Path) -> tuple[Costs, dict[str, str]]:
    """What each peer costs, and the versions that it ran with."""
    workers = [Worker(venvs.BENCH / "peers" / f"{peer}.py", case, data, None) for peer in peers]
    try:
        measured = figures(
            Scenario(CASES[case][1], [], tolerance=1e-6, loose=LOOSE, rounds=ROUNDS), workers
        )
        costs = {
            worker.name: {
                "CPU ms": min(measured[worker.name]["cpu"]) * 1e3,
                "wall ms": min(measured[worker.name]["wall"]) * 1e3,
                "peak MB": worker.ask("peak"),
            }
            for worker in workers
        }
        versions = {worker.name: worker.ask("versions") for worker in workers}
    finally:
        for worker in workers:
            worker.stop()
    return costs, {
        name: ", ".join(f"{package} {version}" for package, version in about.items())
        for name, about in versions.items()
    }


def table(head: list[str], rows: list[list[str]]) -> None:
    print("", line(head), line(["---"] * len(head)), *map(line, rows), sep="\n", flush=True)


def load() -> str:
    return f"load average {os.getloadavg()[0]:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Show what lightmeter and its peers cost.")
    names = [INSTALLED, *CASES]
    parser.add_argument("--tables", nargs="+", choices=names, default=names, metavar="TABLE")
    wanted = parser.parse_args().tables
    missing: dict[str, str] = {}
    for peer in PEERS:
        try:
            venvs.peer(peer)
        except venvs.NotInstalledError as error:
            missing[peer] = str(error)
    present = [peer for peer in PEERS if peer not in missing]
    print(machine(), load(), sep="; ")
    for peer, error in missing.items():
        print(f"\n{peer} is not installed: {error}")
    if INSTALLED in wanted:
        rows = [[peer, *map(figure, installed(peer).values())] for peer in present]
        head = ["packages", "MB on disk", "import CPU ms", "import wall ms", "MB after import"]
        table(["peer", *head], rows)
    python = venvs.peer("lightmeter")
    data = pictures(None, python)
    made_once(data / "peers", [python, venvs.BENCH / "peer_pictures.py"], [data])
    versions: dict[str, str] = {}
    for case in (name for name in wanted if name != INSTALLED):
        print(f"{case} ...", file=sys.stderr)
        costs, more = launch(case, [peer for peer in present if does(peer, case)], data)
        versions |= more
        print("", f"{case}, per {CASES[case][1]}:", sep="\n")
        head = ["peer", "CPU ms", "times ours", "wall ms", "peak MB", "what it computes"]
        table(head, [row(peer, case, costs) for peer in present])
    print("", load(), *(f"{peer}: {about}" for peer, about in versions.items()), sep="\n")


def row(peer: str, case: str, costs: Costs) -> list[str]:
    words = does(peer, case)
    if words is None:
        return [peer, "not offered", "", "", "", ""]
    cpu, wall, memory = (costs[peer][name] for name in ("CPU ms", "wall ms", "peak MB"))
    times = cpu / costs["lightmeter"]["CPU ms"]
    return [peer, *map(figure, (cpu, times, wall)), f"{memory:.0f}", words]


def figure(value: float) -> str:
    """Of three digits, without an exponent."""
    return f"{float(f'{value:.3g}'):g}"


if __name__ == "__main__":
    main()
