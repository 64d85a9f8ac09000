"""Attacks on what lightmeter promises to keep, and a table of what it did not.

`python tests/stress/run.py [--repeats N] [--store URL] [NAME OF A MODULE ...]`; pytest does not
collect them. An attack is a module with `NAME`, the number of `REPEATS` of a full run, and
`run(repeats) -> Row`. `--store` names a PostgreSQL server, in place of files.
"""

import argparse
import os
import sys
import time
from types import ModuleType

import alert_kills
import bad_receivers
import busy_forks
import clocks
import corruption
import damaged_jpegs
import first_opening
import full_disk
import gc_kills
import hostile_profiles
import inbox_kills
import large_files
import logger_endings
import resumed_runs
import server_doors
import slow_connections
import upload_kills
import where
import whole_jpegs
import writer_kills
from row import Row

ATTACKS: list[ModuleType] = [
    writer_kills,
    gc_kills,
    busy_forks,
    full_disk,
    clocks,
    corruption,
    damaged_jpegs,
    whole_jpegs,
    first_opening,
    logger_endings,
    resumed_runs,
    upload_kills,
    inbox_kills,
    server_doors,
    hostile_profiles,
    slow_connections,
    bad_receivers,
    alert_kills,
    large_files,
]


def main() -> int:
    """Run the attacks; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", help="such as first_opening; default all")
    parser.add_argument("--repeats", type=int, help="of each; default a full run")
    parser.add_argument("--store", default="", help="postgresql://...; default files of their own")
    arguments = parser.parse_args()
    os.environ[where.SERVER] = arguments.store
    names = {attack.__name__ for attack in ATTACKS}
    if unknown := set(arguments.modules) - names:
        parser.error(f"there is no {sorted(unknown)}; expected some of {sorted(names)}")
    lost = 0
    print(f"| {' | '.join(Row._fields)} | seconds |")
    print("|---|--:|--:|--:|---|--:|")
    for attack in ATTACKS:
        if arguments.modules and attack.__name__ not in arguments.modules:
            continue
        began = time.monotonic()
        row = attack.run(arguments.repeats or getattr(attack, "REPEATS", 100))
        print(f"| {' | '.join(map(str, row))} | {time.monotonic() - began:.0f} |", flush=True)
        lost += row.lost
    return bool(lost)


if __name__ == "__main__":
    sys.exit(main())
