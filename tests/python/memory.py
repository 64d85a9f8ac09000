"""The most memory that a program takes."""

import json
import subprocess
import sys
from pathlib import Path

_PEAK = """
print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024)
"""
_PROFILE = """
import json, sys
import lightmeter as lm
limits = lm.Limits(**json.loads(sys.argv[2]))
view = lm.profile_images(sys.argv[1], limits=limits, workers=2)
print(view.images, *(failure.reason for failure in view.failures))
"""


def run_and_weigh(program: str, *arguments: object) -> tuple[list[str], float]:
    """Run a program in a process of its own; return the words that it prints, and its megabytes.

    ru_maxrss would be that of the process that started it, if that is more.
    """
    run = [sys.executable, "-c", program + _PEAK, *map(str, arguments)]
    output = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    return output[:-1], float(output[-1])


def profile_and_weigh(source: Path, **limits: int) -> tuple[list[str], float]:
    """Profile pictures; return how many there are and why others fail, and the megabytes."""
    return run_and_weigh(_PROFILE, source, json.dumps(limits))
