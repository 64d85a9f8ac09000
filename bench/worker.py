"""Runs one competitor in a process of its own; obeys `run.py` line by line.

    python worker.py COMPETITOR.py CASE DATA

A competitor has `prepare(case, data) -> state`, `run(state) -> result` (what is timed) and
`answer(state, result) -> {name: number}`; `items(state)` where one run treats several.
"""

import importlib.metadata
import importlib.util
import json
import os
import resource
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

_NAMED = ("numpy", "pillow", "opencv-python-headless", "datasketches", "scipy", "pandas", "torch")
_NAMED += ("whylogs", "cleanvision", "dataeval", "imgeda", "evidently", "lightmeter")
_SHORTEST_BATCH = 0.05  # seconds of CPU; short, so that a round meets one state of the machine


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("competitor", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def used() -> float:
    """CPU seconds: of all threads of the process, and of the processes that it waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def timed(competitor: ModuleType, state: Any, loops: int) -> tuple[float, float]:
    """CPU and wall seconds of `loops` runs."""
    cpu, wall = used(), time.perf_counter()
    for _ in range(loops):
        competitor.run(state)
    return used() - cpu, time.perf_counter() - wall


def peak() -> float:
    """The most memory in MB that the process, or one that it waited for, had at a time."""
    # ru_maxrss of this process would be that of the one that started it, if that is more.
    own = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def versions() -> dict[str, str]:
    about = {"python": ".".join(map(str, sys.version_info[:3]))}
    for name in _NAMED:
        try:
            about[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if "lightmeter" in about:
        from lightmeter import _core

        about["tier"] = _core.kernel_tier()
    return about


def main(path: str, case: str, data: str) -> None:
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what competitors print is not a reply
    competitor = load(path)
    state = competitor.prepare(case, Path(data))
    items = competitor.items(state) if hasattr(competitor, "items") else 1
    loops = 0
    for line in sys.stdin:
        reply: Any
        if line == "versions\n":
            reply = versions()
        elif line == "peak\n":
            reply = peak()
        elif line == "answer\n":
            reply = competitor.answer(state, competitor.run(state))
        else:
            if loops == 0:
                once = timed(competitor, state, 1)[0]
                loops = max(1, round(_SHORTEST_BATCH / max(once, 1e-6)))
            reply = [seconds / loops / items for seconds in timed(competitor, state, loops)]
        print(json.dumps(reply), file=replies)


if __name__ == "__main__":
    main(*sys.argv[1:])
