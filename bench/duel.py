"""Competitors on one case: their answers compared, then their turns timed."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import venvs
from scenario import Scenario

# Competitor -> metric -> values: each number answered, by launch, and cpu and wall, by round.
Figures = dict[str, dict[str, list[float]]]

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
# As whylogs and evidently name it.
_NO_TELEMETRY = {"WHYLOGS_NO_ANALYTICS": "True", "DO_NOT_TRACK": "1"}


class Worker:
    """One competitor in a process of its own."""

    def __init__(self, file: Path, case: str, data: Path, tier: str | None) -> None:
        self.name = file.stem
        environment = os.environ | _ONE_THREAD | _NO_TELEMETRY
        if tier is not None:
            environment["LIGHTMETER_KERNELS"] = tier
        self._process = subprocess.Popen(
            [venvs.interpreter_of(file), venvs.BENCH / "worker.py", file, case, data],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, command: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(command, file=self._process.stdin, flush=True)
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise SystemExit(f"{self.name} died at {command!r}; see above") from None

    def stop(self) -> None:
        self._process.communicate()


def figures(scenario: Scenario, workers: list[Worker]) -> Figures:
    """What one launch of the workers says and takes."""
    answers = {worker.name: worker.ask("answer") for worker in workers}
    _compare(scenario, answers)
    measured: Figures = {
        name: {metric: [value] for metric, value in answer.items()} | {"cpu": [], "wall": []}
        for name, answer in answers.items()
    }
    for _ in range(scenario.rounds):
        for worker in workers:
            cpu, wall = worker.ask("time")
            measured[worker.name]["cpu"].append(cpu)
            measured[worker.name]["wall"].append(wall)
    return measured


def _compare(scenario: Scenario, answers: dict[str, dict[str, float]]) -> None:
    """Stops the bench where a competitor's answer is not lightmeter's."""
    ours = answers["lightmeter"]
    for peer, theirs in answers.items():
        common = ours.keys() & theirs.keys() - {bar.metric for bar in scenario.bars}
        if not common:
            raise SystemExit(f"{peer} and lightmeter answer different questions")
        for name in common:
            allowed = scenario.tolerance * max(1.0, abs(ours[name]))
            allowed = scenario.loose.get((peer, name), allowed)
            if not abs(ours[name] - theirs[name]) <= allowed:
                raise SystemExit(
                    f"{peer} says {name} = {theirs[name]!r}, lightmeter says {ours[name]!r}"
                )
