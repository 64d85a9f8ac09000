"""Each line of the table of constraints says what whylogs says of the same data.

It is run by an interpreter that has whylogs: the environment variable LIGHTMETER_WHYLOGS_PYTHON.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
from contracts_of_whylogs import TABLES, constraints

PYTHON = os.environ.get("LIGHTMETER_WHYLOGS_PYTHON")
SCRIPT = Path(__file__).with_name("whylogs_constraints.py")


@pytest.mark.skipif(PYTHON is None, reason="needs a Python that has whylogs")
def test_verdicts_of_whylogs() -> None:
    """Those of lightmeter on these tables are tested with its contracts."""
    calls = [call for call, _, _ in constraints()]
    environment = os.environ | {"WHYLOGS_NO_ANALYTICS": "True"}
    environment.pop("PYTHONPATH", None)
    assert PYTHON is not None
    done = subprocess.run(
        [PYTHON, SCRIPT],
        input=json.dumps({"tables": TABLES, "calls": calls}),
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    verdicts = json.loads(done.stdout.splitlines()[-1])
    assert verdicts == {"good": dict.fromkeys(calls, True), "bad": dict.fromkeys(calls, False)}
