"""Kills a server again and again while four writers put; no acknowledged profile may be lost.

``python bench/server_load/kills.py 100``
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests/integration"))

import test_server_process

if __name__ == "__main__":
    test_server_process.KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as folder:
        test_server_process.test_no_acknowledged_profile_is_lost_by_a_kill(Path(folder))
    print(f"{test_server_process.KILLS} kills, nothing lost")
