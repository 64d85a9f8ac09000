"""Clocks that are wrong. What counts is the seq of a put, never the time of a machine."""

import subprocess
import sys
import tempfile

from lightmeter import Store
from row import Row
from where import fresh_store

NAME = "clocks 30 days and 20 years back, 10 years on"
REPEATS = 4
OFFSETS = 0, -30 * 86400, -20 * 365 * 86400, 10 * 365 * 86400

PUT = """
import sys, time
from datetime import date, datetime, UTC
from lightmeter import Profile, Store
address, seq, offset = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
true = time.time_ns
time.time_ns = lambda: true() + offset * 10**9
profile = Profile()
for _ in range(seq):
    profile.log(row={"a": 1.0})
with Store(address) as store:
    assert store.put("cells", profile, at=date(2022, 9, 7), writer="w", seq=seq)
    assert not store.put("cells", profile, at=date(2022, 9, 7), writer="w", seq=seq)
    store.put("cells", profile, at=date(2022, 9, 8), writer=f"other {seq}")
    store.gc(now=datetime(2022, 9, 10, tzinfo=UTC), roll_up_after="30d")
"""


def run(repeats: int) -> Row:
    """`repeats` rounds of processes with each of the clocks."""
    bad, puts = 0, repeats * len(OFFSETS)
    with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as address:
        for seq in range(1, puts + 1):
            offset = str(OFFSETS[seq % len(OFFSETS)])
            command = [sys.executable, "-c", PUT, address, str(seq), offset]
            bad += subprocess.run(command, check=False).returncode != 0
        with Store(address, create=False) as store:
            rows = store.stored("cells")
            bad += len(store.verify())
            bad += rows[0].seq != puts
            bad += store.read("cells")["a"].n != puts + sum(range(1, puts + 1))
    times = [row.updated for row in rows]
    years = (max(times) - min(times)) / 86_400_000 / 365
    return Row(NAME, puts, 2 * puts, bad, f"clocks {years:.0f} years apart")
