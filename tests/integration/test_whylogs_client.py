"""An unmodified whylogs uploads to a server, and judges the constraints of the docs.

It is run by an interpreter that has it: the environment variable LIGHTMETER_WHYLOGS_PYTHON.
"""

import ast
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from contracts_of_whylogs import TABLES, constraints
from lightmeter import Store
from weather import running

PYTHON = os.environ.get("LIGHTMETER_WHYLOGS_PYTHON")
SCRIPT = Path(__file__).with_name("whylogs_client.py")
JUDGE = Path(__file__).with_name("whylogs_constraints.py")
FIRST = date(2022, 9, 1)

pytestmark = pytest.mark.skipif(PYTHON is None, reason="needs a Python that has whylogs")

Upload = Callable[..., tuple[bool, str]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "drift.db") as opened:
        yield opened


@pytest.fixture
def upload(store: Store) -> Iterator[Upload]:
    key = store.state.keys.add(["write"])

    def run(kind: str) -> Any:
        environment = os.environ | {
            "WHYLABS_API_ENDPOINT": address,
            "WHYLABS_API_KEY": key,
            "WHYLABS_DEFAULT_ORG_ID": "org-1",
            "WHYLABS_DEFAULT_DATASET_ID": "cells",
            "_WHYLABS_SKIP_CONFIG_READ": "true",
            "WHYLOGS_NO_ANALYTICS": "True",
        }
        environment.pop("PYTHONPATH", None)
        command = [PYTHON, SCRIPT, kind, str(FIRST)]
        printed = subprocess.check_output(command, text=True, env=environment, timeout=300)
        return ast.literal_eval(printed.splitlines()[-1])

    with running(store) as port:
        address = f"http://127.0.0.1:{port}"
        yield run


def test_images_appear(store: Store, upload: Upload) -> None:
    succeeded, ident = upload("images")
    assert (succeeded, ident[:4]) == (True, "log-")
    view = store.read("cells", FIRST, FIRST + timedelta(days=1))
    assert view["image.Brightness.mean"].n == 5  # `image` and `image.*` are in the file: once


@pytest.mark.parametrize("kind", ["segments", "segments zip"])
def test_segments_appear(store: Store, upload: Upload, kind: str) -> None:
    assert upload(kind)[0]
    assert store.segments("cells") == [{"camera": "left"}, {"camera": "right"}]
    assert store.read("cells", segment="camera=left")["score"].n == 50


@pytest.mark.parametrize("kind", ["reference", "reference segments"])
def test_reference_profiles_have_a_dataset(store: Store, upload: Upload, kind: str) -> None:
    assert upload(kind)[0]
    assert list(store.datasets()) == ["cells reference golden"]
    segments = [{"camera": "left"}, {"camera": "right"}]
    assert store.segments("cells reference golden") == (segments if "segments" in kind else [{}])


def test_the_names_of_whylogs_in_the_docs_are_its_names() -> None:
    """But for those of its charts, which need packages that are not among its requirements."""
    page = Path(__file__).parents[2] / "docs/coming-from-whylogs.md"
    names = re.findall(r"`(whylogs[.](?!viz)[\w.]+)`", page.read_text(encoding="utf-8"))
    assert len(names) > 18
    script = "import pydoc, sys; sys.exit(str([it for it in sys.argv[1:] if not pydoc.locate(it)]))"
    done = subprocess.run(
        [str(PYTHON), "-c", script, *names], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_its_constraints_say_what_contracts_say() -> None:
    """Contracts are tested with the same tables in tests/python/contracts."""
    calls = [call for call, _, _ in constraints()]
    environment = {**os.environ, "WHYLOGS_NO_ANALYTICS": "True", "PYTHONPATH": ""}
    given = json.dumps({"tables": TABLES, "calls": calls})
    command = [str(PYTHON), JUDGE]
    printed = subprocess.check_output(command, text=True, input=given, env=environment)
    verdicts = json.loads(printed.splitlines()[-1])
    assert verdicts == {"good": dict.fromkeys(calls, True), "bad": dict.fromkeys(calls, False)}
