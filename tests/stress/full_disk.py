"""A disk without room: errors are loud, and what was told is stored stays."""

import contextlib
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from harness import Row, lines, noted, started
from lightmeter import Profile, Store
from lightmeter.errors import StoreError

NAME = "a full disk: a small tmpfs, and a bound on the size of files"
REPEATS, FILES_ONLY = 300, True
LATER = datetime(2022, 12, 1, tzinfo=UTC)


def _profile(seed: int) -> Profile:
    """One of some 30 kB."""
    profile = Profile()
    noise = np.random.default_rng(seed).normal(size=(40, 300))
    profile.log(columns={f"number{index}": column for index, column in enumerate(noise)})
    return profile


def _fill(path: Path, output: Path, puts: int, limit: int | None) -> None:
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    store = Store(path)
    profile = _profile(0)
    for number in range(puts):
        what = "refused"
        with contextlib.suppress(StoreError):
            at = date(2022, 9, 1 + number % 20)
            store.put("cells", profile, at=at, writer=str(number))
            what = "put"
        noted(output, what, number)


def _attack(
    path: Path, output: Path, puts: int, limit: int | None, make_room: Callable[[], object]
) -> tuple[int, int, str]:
    """Return how many puts were told to be stored, how much is wrong, and a note."""
    code = os.waitpid(started(_fill, path, output, puts, limit), 0)[1]
    told = {number for what, number in lines(output) if what == "put"}
    refused = len(lines(output)) - len(told)
    wrong = bool(code) + (refused == 0)
    with Store(path, create=False) as store:
        wrong += len(store.verify())
        wrong += len(told - {row.writer for row in store.stored("cells")})
        try:
            store.gc(now=LATER, keep="80d")
        except StoreError:  # where even the log of a deletion does not fit
            make_room()
            wrong += not store.gc(now=LATER, keep="80d").deleted
        wrong += not store.put("cells", _profile(1), at=date(2022, 11, 30), writer="after")
        wrong += len(store.verify())
    return len(told), wrong, f"{len(told)} stored, {refused} refused"


def run(repeats: int) -> Row:
    """`repeats` puts into each of two stores without room."""
    total, bad, notes = 0, 0, []
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder, "small")
        small.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(small)]
        places: list[tuple[str, Path, int | None]] = [("RLIMIT_FSIZE", Path(folder), 2 << 20)]
        if mounted := subprocess.run(mount, capture_output=True, check=False).returncode == 0:
            places.append(("tmpfs", small, None))
        else:
            notes.append("no tmpfs could be mounted")

        def make_room() -> None:
            subprocess.run(["mount", "-o", "remount,size=16m", str(small)], check=True)

        try:
            for name, place, limit in places:
                output = Path(folder, f"{name}.notes")
                told, wrong, note = _attack(place / "drift.db", output, repeats, limit, make_room)
                total, bad = total + told, bad + wrong
                notes.append(f"{name}: {note}")
        finally:
            if mounted:
                subprocess.run(["umount", str(small)], check=True)
    return Row(NAME, repeats, total, bad, "; ".join(notes))
