"""Clocks that are wrong. What counts is the seq of a put, never the time of a machine."""

import os
import tempfile
import time
from datetime import UTC, date, datetime

from harness import Row, fresh_store, grow, started
from lightmeter import Profile, Store

NAME = "clocks 30 days and 20 years back, 10 years on"
REPEATS = 4
OFFSETS = 0, -30 * 86400, -20 * 365 * 86400, 10 * 365 * 86400


def _put(address: str, seq: int) -> None:
    true, offset = time.time_ns, OFFSETS[seq % len(OFFSETS)] * 10**9
    time.time_ns = lambda: true() + offset
    profile = Profile()
    for _ in range(seq):
        grow(profile, "a")
    with Store(address) as store:
        assert store.put("cells", profile, at=date(2022, 9, 7), writer="w", seq=seq)
        assert not store.put("cells", profile, at=date(2022, 9, 7), writer="w", seq=seq)
        store.put("cells", profile, at=date(2022, 9, 8), writer=f"other {seq}")
        store.gc(now=datetime(2022, 9, 10, tzinfo=UTC), roll_up_after="30d")


def run(repeats: int) -> Row:
    """`repeats` rounds of processes with each of the clocks."""
    bad, puts = 0, repeats * len(OFFSETS)
    with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as address:
        for seq in range(1, puts + 1):
            bad += os.waitpid(started(_put, address, seq), 0)[1] != 0
        with Store(address, create=False) as store:
            rows = store.stored("cells")
            bad += len(store.verify())
            bad += rows[0].seq != puts
            bad += store.read("cells")["a"].n != puts + sum(range(1, puts + 1))
    times = [row.updated for row in rows]
    years = (max(times) - min(times)) / 86_400_000 / 365
    return Row(NAME, puts, 2 * puts, bad, f"clocks {years:.0f} years apart")
