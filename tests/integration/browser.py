"""Pages as a browser shows them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest


class Shown(NamedTuple):
    """A page, what it asked for, and what it complained of."""

    page: Any
    requests: list[str]
    complaints: list[str]


@contextlib.contextmanager
def shown(chromium: Any, width: int, scheme: str, **options: Any) -> Iterator[Shown]:
    """A new page of that width and scheme."""
    size = {"width": width, "height": 900}
    context = chromium.new_context(viewport=size, color_scheme=scheme, **options)
    opened_page = Shown(context.new_page(), [], [])
    opened_page.page.on("request", lambda request: opened_page.requests.append(request.url))
    opened_page.page.on("console", lambda message: opened_page.complaints.append(message.text))
    opened_page.page.on("pageerror", lambda error: opened_page.complaints.append(str(error)))
    opened_page.page.on("dialog", lambda dialog: opened_page.complaints.append(dialog.message))
    yield opened_page
    context.close()


@contextlib.contextmanager
def opened(chromium: Any, path: Path, width: int, scheme: str) -> Iterator[Any]:
    """Nothing is requested, nothing complains or runs, nothing overflows, axe finds nothing."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with shown(chromium, width, scheme, bypass_csp=False) as (page, requests, complaints):
        page.goto(path.as_uri())
        assert requests == [path.as_uri()]
        assert complaints == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light")
        yield page
    # axe is a script, which the page's policy forbids.
    with shown(chromium, width, scheme, bypass_csp=True) as (page, _, _):
        page.goto(path.as_uri())
        axe_says = axe.run(page)
        assert axe_says.violations_count == 0, axe_says.generate_report()
