"""A server under load: writers and readers, and slow clients beside them.

``python bench/server_load/load.py 60`` runs for 60 seconds and prints what a put took, how many
requests failed, and the memory of the server. It exits with 1 where a bar is missed.
"""

import statistics
import sys
import threading
import time
from pathlib import Path

from lightmeter import Store

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/stress"))
from harness import API, pictures, resident, served
from slow_connections import measured, words

WRITERS, READERS, SLOW = 4, 2, 64
MOST_SECONDS, MOST_GROWTH = 0.5, 1.2  # p99 of a put; memory at the end by that after a third
ASKED = "segments?dataset=cells buckets?dataset=cells profile?dataset=cells&format=json datasets"
PATHS = tuple(f"{API}/{path}" for path in ASKED.split())


def main(seconds: float) -> int:
    """Run it; the exit code."""
    memory: list[int] = []
    with served() as (process, path), Store(path) as store:
        store.define("cells", "1d")
        key = store.state.keys.add(["read", "write"])
        pid = process.process.pid
        timer = threading.Timer(seconds / 3, lambda: memory.append(resident(pid)))
        timer.start()
        asked, body = (PATHS,) * READERS, pictures(100)
        puts, reads, failed = measured(process.port, key, SLOW, WRITERS, seconds, asked, body)
        memory.append(resident(pid))
        begun = time.monotonic()
        process.end()
        ended = time.monotonic() - begun
    print(words(puts, reads, seconds))
    print(f"a profile: {len(body)} bytes")
    print(f"failed: {len(failed)} {failed[:3]}")
    print(f"memory: {memory[0]} MB after a third, {memory[1]} MB at the end")
    print(f"ended {ended:.1f} s after SIGTERM")
    slowest = statistics.quantiles(puts, n=100)[98]
    passed = not failed and slowest < MOST_SECONDS and memory[1] <= MOST_GROWTH * memory[0]
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60))
