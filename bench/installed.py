"""Says, as JSON, what the interpreter that runs it has installed, and what an import takes.

python installed.py "import whylogs"
"""

import importlib.metadata
import json
import sys
import time
from pathlib import Path

OF_EVERY_VENV = ("pip", "setuptools")


def main(statement: str) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    exec(statement, {})
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    memory = int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0])
    found = importlib.metadata.distributions()
    packages = [package for package in found if package.name not in OF_EVERY_VENV]
    files = [Path(str(file.locate())) for package in packages for file in package.files or []]
    size = sum(file.stat().st_size for file in set(files) if file.is_file())
    told = {"packages": len(packages), "size": size / 1e6, "cpu": cpu * 1e3, "wall": wall * 1e3}
    print(json.dumps(told | {"memory": memory / 1024}))


if __name__ == "__main__":
    main(sys.argv[1])
