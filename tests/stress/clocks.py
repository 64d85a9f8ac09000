"""Clocks that are wrong. What counts is the seq of a put, never the time of a machine."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lightmeter import Store
from row import Row
from where import fresh_store

NAME = "clocks 30 days and 20 years back, 10 years on"
REPEATS = 4
OFFSETS = 0, -30 * 86400, -20 * 365 * 86400, 10 * 365 * 86400

# In front of the C library: whoever asks for the time of day gets another one.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long offset(void) {
    const char *text = getenv("CLOCK_OFFSET");
    return text ? atol(text) : 0;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, now);
    if (code == 0 && clock == CLOCK_REALTIME) now->tv_sec += offset();
    return code;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    int code = clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return code;
}
time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}
"""
PUT = """
import sys, time
from datetime import date, datetime, UTC
from lightmeter import Profile, Store
address, seq = sys.argv[1], int(sys.argv[2])
profile = Profile()
for _ in range(seq):
    profile.log(row={"a": 1.0})
with Store(address) as store:
    assert store.put("cells", profile, at=date(2022, 9, 7), writer="w", seq=seq)
    assert not store.put("cells", profile, at=date(2022, 9, 7), writer="w", seq=seq)
    store.put("cells", profile, at=date(2022, 9, 8), writer=f"other {seq}")
    store.gc(now=datetime(2022, 9, 10, tzinfo=UTC), roll_up_after="30d")
print(time.time())
"""


def run(repeats: int) -> Row:
    """`repeats` rounds of processes with each of the clocks."""
    if (compiler := shutil.which("cc")) is None:
        return Row(NAME, 0, 0, 0, "no compiler for the false clocks")
    bad = 0
    with tempfile.TemporaryDirectory() as folder, fresh_store(folder) as address:
        source, shim = Path(folder, "clock.c"), Path(folder, "clock.so")
        source.write_text(SHIM)
        subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
        times = []
        for seq in range(1, repeats * len(OFFSETS) + 1):
            offset = str(OFFSETS[seq % len(OFFSETS)])
            environment = {**os.environ, "LD_PRELOAD": str(shim), "CLOCK_OFFSET": offset}
            command = [sys.executable, "-c", PUT, address, str(seq)]
            result = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False
            )
            if result.returncode:
                bad += 1
                print(result.stderr, file=sys.stderr)
            else:
                times.append(float(result.stdout))
        with Store(address, create=False) as store:
            bad += len(store.verify())
            last = store.stored("cells")[0].seq
            bad += last != seq
            bad += store.read("cells")["a"].n != seq + sum(range(1, seq + 1))
    years = (max(times) - min(times)) / 86400 / 365
    return Row(NAME, len(times), 2 * len(times), bad, f"clocks {years:.0f} years apart")
