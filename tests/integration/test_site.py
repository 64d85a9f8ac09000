"""The site of the documentation: it builds without a warning, and its pages are fit to be read."""

import functools
import re
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
from browser import shown
from conftest import run_program
from dashboards import Page
from receiver import serving

pytest.importorskip("furo")
pytest_plugins = ["chromium"]

EMPTY_HEADER = re.compile(r"<th[^>]*>(<p></p>)?</th>")
BUILD = Path(__file__).parents[2] / "docs/site/make.py"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = run_program(BUILD, folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def pages(site: Path) -> Iterator[Path]:
    return (path for path in sorted(site.glob("*.html")))


def test_every_link_leads_somewhere(site: Path) -> None:
    read = {path: Page(path) for path in pages(site)}
    assert len(read) > 30
    for path, page in read.items():
        attributes = [each for _, each in page.tags]
        links = [str(each[name]) for each in attributes for name in ("href", "src") if name in each]
        for link in links:
            place, name = urldefrag(link)
            if ":" in place:
                continue
            target = site / unquote(place).partition("?")[0] if place else path
            assert target.exists(), f"{path.name}: {link}"
            if name and target in read:
                assert unquote(name) in read[target].ids, f"{path.name}: {link}"


def test_every_column_has_a_name(site: Path) -> None:
    for path in pages(site):
        assert not EMPTY_HEADER.search(path.read_text(encoding="utf-8")), path.name


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Of a server, as scripts may not read files from files."""
    handler = functools.partial(Quiet, directory=str(site))
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as address:
        yield address


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (400, "dark")])
def test_the_pages_are_fit_for_everybody(
    chromium: Any, site: Path, address: str, width: int, scheme: str
) -> None:
    """Nothing is loaded from elsewhere, nothing overflows, and axe finds nothing serious."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    violations = []
    with shown(chromium, width, scheme, reduced_motion="reduce") as (page, requests, complaints):
        for path in pages(site):
            page.goto(f"{address}/{path.name}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
            for violation in axe.run(page).response["violations"]:
                if violation["impact"] in ("serious", "critical"):
                    places = [node["html"][:200] for node in violation["nodes"][:3]]
                    violations.append((path.name, violation["id"], places))
    assert violations == []
    assert complaints == []
    assert {url for url in requests if not url.startswith(address)} == set()
