"""The most memory that a program takes."""

import subprocess
import sys

_PEAK = """
print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024)
"""


def run_and_weigh(program: str, *arguments: object) -> tuple[list[str], float]:
    """Run a program in a process of its own; return the words that it prints, and its megabytes.

    ru_maxrss would be that of the process that started it, if that is more.
    """
    run = [sys.executable, "-c", program + _PEAK, *map(str, arguments)]
    output = subprocess.run(run, check=True, capture_output=True, text=True).stdout.split()
    return output[:-1], float(output[-1])
