"""Breaks the sketches on purpose, one small way at a time; the C++ tests must notice each.

    python tests/mutation/run.py

Works on a copy of the sources. Needs cmake, ninja, a compiler and GoogleTest.
"""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SKETCH = Path("cpp/sketch")


class Mutation(NamedTuple):
    name: str
    file: str
    right: str
    wrong: str
    tests: str  # that must fail


TABLES = tomllib.loads((ROOT / "tests/mutation/mutations.toml").read_text())["mutation"]
MUTATIONS = [Mutation(**table) for table in TABLES]


def copy_sources(to: Path) -> None:
    shutil.copy(ROOT / "CMakeLists.txt", to)
    for folder in ("cpp", "tests/cpp", "tests/fuzz"):
        shutil.copytree(ROOT / folder, to / folder)


def build(sources: Path) -> Path:
    options = ("-DLIGHTMETER_BUILD_PYTHON=OFF", "-DLIGHTMETER_BUILD_TESTS=ON")
    folder = sources / "build"
    if not folder.exists():
        command = ["cmake", "-S", sources, "-B", folder, "-G", "Ninja", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder], check=True, stdout=subprocess.DEVNULL)
    return folder / "tests/cpp/lightmeter_tests"


def passes(tests: Path, names: str) -> bool:
    command = [tests, f"--gtest_filter={names}", "--gtest_fail_fast"]
    done = subprocess.run(command, capture_output=True, text=True)
    if "Running 0 tests" in done.stdout:
        raise SystemExit(f"there is no test {names}")
    return done.returncode == 0


def survives(mutation: Mutation, sources: Path) -> bool:
    file = sources / SKETCH / mutation.file
    text = file.read_text()
    if text.count(mutation.right) != 1:
        raise SystemExit(f"{mutation.name}: {mutation.file} does not hold it once; renew the entry")
    file.write_text(text.replace(mutation.right, mutation.wrong))
    try:
        return passes(build(sources), mutation.tests)
    finally:
        file.write_text(text)


def main() -> int:
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        copy_sources(sources)
        if not passes(build(sources), ":".join({mutation.tests for mutation in MUTATIONS})):
            raise SystemExit("a test fails without any mutation")
        for mutation in MUTATIONS:
            survived = survives(mutation, sources)
            survivors += [mutation.name] * survived
            print(f"{'NOT ' * survived}caught: {mutation.name}", flush=True)
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main())
