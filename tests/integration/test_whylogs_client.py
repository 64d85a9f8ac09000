"""An unmodified whylogs uploads to a server, and what it uploaded is judged.

It is run by an interpreter that has it: the environment variable LIGHTMETER_WHYLOGS_PYTHON.
"""

import ast
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
import uvicorn
from lightmeter import Store
from lightmeter.serve import make_app

PYTHON = os.environ.get("LIGHTMETER_WHYLOGS_PYTHON")
SCRIPT = Path(__file__).with_name("whylogs_client.py")
FIRST = date(2022, 9, 1)

pytestmark = pytest.mark.skipif(PYTHON is None, reason="needs a Python that has whylogs")

Upload = Callable[..., tuple[bool, str]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "drift.db") as opened:
        yield opened


@pytest.fixture
def address(store: Store) -> Iterator[str]:
    """Of a server that runs meanwhile."""
    server = uvicorn.Server(uvicorn.Config(make_app(store), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def upload(store: Store, address: str) -> Upload:
    key = store.state.keys.add(["write"])

    def run(kind: str, days: int = 1, shifts: str = "0", key: str = key) -> Any:
        environment = os.environ | {
            "WHYLABS_API_ENDPOINT": address,
            "WHYLABS_API_KEY": key,
            "WHYLABS_DEFAULT_ORG_ID": "org-1",
            "WHYLABS_DEFAULT_DATASET_ID": "cells",
            "_WHYLABS_SKIP_CONFIG_READ": "true",
            "WHYLOGS_NO_ANALYTICS": "True",
        }
        environment.pop("PYTHONPATH", None)
        assert PYTHON is not None
        done = subprocess.run(
            [PYTHON, SCRIPT, kind, str(FIRST), str(days), shifts],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return ast.literal_eval(done.stdout.splitlines()[-1])

    return run


def test_images_appear(store: Store, upload: Upload) -> None:
    succeeded, ident = upload("images")
    assert succeeded
    assert ident.startswith("log-")
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


def test_a_wrong_key_is_refused(store: Store, upload: Upload) -> None:
    assert "Unauthorized" in upload("rows", key=f"abcdefghij.{'x' * 43}")
    assert store.datasets() == {}


def test_what_drifted_is_judged(store: Store, upload: Upload, tmp_path: Path) -> None:
    told = upload("rows", days=20, shifts="16:1.0")
    assert all(succeeded for succeeded, _ in told)
    monitors = tmp_path / "monitors.toml"
    monitors.write_text('[[monitor]]\nname = "drift"\ndataset = "cells"\ntype = "drift"\n')
    anomalies = lm.watch(store, monitors).results
    said = {
        (result.start.date(), result.feature) for result in anomalies if result.state == "anomaly"
    }
    assert said == {(FIRST + timedelta(days=16), "score")}


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
