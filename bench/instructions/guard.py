"""How many instructions the main passes of the core take, held to a committed table.

    python bench/instructions/guard.py check [PROGRAM]
    python bench/instructions/guard.py update [PROGRAM]

Callgrind counts them, so a busy machine changes nothing. `check` fails where a pass takes 3 % more
than the table says, and where it takes 3 % less, as the table is old then. `update` writes the
table. Counts of another compiler say nothing: `check` says so and passes. PROGRAM is
`lightmeter_passes` of a Release build with `-DLIGHTMETER_BUILD_PASSES=ON -DCMAKE_UNITY_BUILD=ON`,
as wheels are built; it is built if none is given.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE / "table.json"
MOST_CHANGE = 0.03


def build(folder: str) -> Path:
    """The program, in a folder."""
    source = HERE.parents[1]
    options = [
        *("-DLIGHTMETER_BUILD_PYTHON=OFF", "-DLIGHTMETER_BUILD_PASSES=ON"),
        "-DCMAKE_UNITY_BUILD=ON",  # as wheels are built
    ]
    subprocess.run(["cmake", "-S", source, "-B", folder, *options], check=True)
    command = ["cmake", "--build", folder, "--target", "lightmeter_passes", "--parallel"]
    subprocess.run(command, check=True)
    return Path(folder, "bench/instructions/lightmeter_passes")


def counted(program: Path) -> dict[str, int]:
    """Instructions of each pass."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--quiet"]
        out = f"--callgrind-out-file={folder}/out"
        subprocess.run(
            [*command, out, program, HERE / "picture.jpg"],
            env={**os.environ, "LIGHTMETER_KERNELS": "avx2"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        found = {}
        for file in Path(folder).glob("out.*"):
            text = file.read_text(encoding="utf-8")
            name = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
            total = re.search(r"^summary: (\d+)$", text, re.MULTILINE)
            if name and total:
                found[name[1]] = int(total[1])
    return dict(sorted(found.items()))


def compiler_of(program: Path) -> str:
    """Its name and version."""
    command = [program, "--compiler"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def check(program: Path) -> int:
    """The exit code."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    compiler = compiler_of(program)
    if compiler != table["compiler"]:
        print(f"left out: the table is of {table['compiler']}, and this program of {compiler}")
        return 0
    found, wanted = counted(program), table["instructions"]
    if found.keys() != wanted.keys():
        print(f"passes and table differ: {', '.join(sorted(found.keys() ^ wanted.keys()))}")
        return 1
    changes = {name: found[name] / wanted[name] - 1 for name in wanted}
    for name, change in changes.items():
        mark = "  <--" if abs(change) > MOST_CHANGE else ""
        print(f"{name:26} {found[name]:>12,} {change:+8.2%}{mark}")
    if max(map(abs, changes.values())) <= MOST_CHANGE:
        return 0
    print(f"more than {MOST_CHANGE:.0%} apart. If that is meant: {Path(__file__).name} update")
    return 1


def update(program: Path) -> int:
    """The exit code."""
    table = {"compiler": compiler_of(program), "instructions": counted(program)}
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


def main() -> int:
    """The exit code of the command."""
    commands = {"check": check, "update": update}
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    if len(sys.argv) == 3:
        return commands[sys.argv[1]](Path(sys.argv[2]))
    with tempfile.TemporaryDirectory() as folder:
        return commands[sys.argv[1]](build(folder))


if __name__ == "__main__":
    sys.exit(main())
