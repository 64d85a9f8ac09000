"""Attacks on what lightmeter promises to keep, and a table of what it did not.

`python tests/stress/run.py [--repeats N] [--store URL] [NAME OF A MODULE ...]`; pytest does not
collect them. An attack is a module with `NAME`, the number of `REPEATS` of a full run, and
`run(repeats) -> Row`. `--store` names a PostgreSQL server, in place of files; `FILES_ONLY` ones are
left out then.
"""

import argparse
import importlib
import os
import sys
import time
from pathlib import Path

from harness import SERVER, Row

ATTACKS = {file.stem for file in Path(__file__).parent.glob("*.py")} - {"run", "harness"}


def main() -> int:
    """Run the attacks; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as first_opening; default all")
    parser.add_argument("--repeats", type=int, help="of each; default a full run")
    parser.add_argument("--store", default="", help="postgresql://...; default files of their own")
    arguments = parser.parse_args()
    os.environ[SERVER] = arguments.store
    if unknown := set(arguments.modules) - ATTACKS:
        parser.error(f"there is no {sorted(unknown)}; expected some of {sorted(ATTACKS)}")
    lost = 0
    print(f"| {' | '.join(Row._fields)} | seconds |")
    print("|---|--:|--:|--:|---|--:|")
    for name in arguments.modules or sorted(ATTACKS):
        attack, began = importlib.import_module(name), time.monotonic()
        if arguments.store and getattr(attack, "FILES_ONLY", False):
            continue
        row = attack.run(arguments.repeats or attack.REPEATS)
        print(f"| {' | '.join(map(str, row))} | {time.monotonic() - began:.0f} |", flush=True)
        lost += row.lost
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
