"""Dashboards about drawn results, and their pages as a test reads them."""

import html.parser
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import numpy as np
from hostile import HOSTILE
from incidents import DAY, FIRST, days
from lightmeter import ProfileView, log
from lightmeter.dashboard import Written, write_dashboard
from lightmeter.monitor.results import Result
from lightmeter.profile.segments import segment_text
from lightmeter.store import Store
from stores import save_results

NAMES = ["saturation", "brightness", "entropy"]


@cache
def profile(day: int, shift: float = 0.0) -> ProfileView:
    rng = np.random.default_rng(day)
    return log(columns={name: rng.normal(shift, 1, 30) for name in NAMES}).view()


def fill(store: Store, dataset: str, count: int, *, segment: Any = None, bad: int = -1) -> None:
    for day in range(count):
        view = profile(day, 3.0 * (day == bad))
        store.put(dataset, view, at=FIRST + day * DAY, writer="w", segment=segment)


class Shown:
    """A store with what monitors found in it."""

    def __init__(self, store: Store, results: Iterable[Any]) -> None:
        self.store = store
        self.results = list(results)

    def build(self, out: Path) -> Written:
        if self.results:
            save_results(self.store, self.results)
        return write_dashboard(self.store, out)


def cells(store: Store, states: str = "oooooooooA") -> Shown:
    """Ten days, on the last of which two of three features are anomalous; the camera is not."""
    fill(store, "cells", 10, bad=9)
    fill(store, "cells", 10, segment={"camera": "left"})
    results = [*days(states, feature="saturation", cause="faded")]
    results += days(states, feature="brightness")
    results += days("o" * 10, feature="entropy", words="", value=0.1)
    results += days("o" * 10, feature="entropy", segment="camera=left", words="", value=0.1)
    return Shown(store, results)


def attacked(store: Store, texts: Iterable[str] = HOSTILE[:5]) -> Shown:
    results: list[Result] = []
    for text in texts:
        dataset = re.sub(r"[\x00-\x1f]", "", text)
        segment = {dataset: dataset}
        view = log(columns={text: [1.0, 2.0, 3.5] * 10, "category": [text] * 30}).view()
        for day in range(3):
            store.put(dataset, view, at=FIRST + day * DAY, writer="w", segment=segment)
            store.put(dataset, view, at=FIRST + day * DAY, writer="w")
        for states, where in (("oAE", segment_text(segment)), ("oA.", "")):
            more = {"segment": where, "feature": text, "words": text}
            more["monitor"] = text.replace("\0", "")[:200]  # names have neither more
            results += days(states, dataset=dataset, **more)
    return Shown(store, results)


ALLOWED = set(
    re.findall(
        r"\w+",
        "html head meta title style body header main footer section nav h1 h2 h3 h4 p ol ul li b "
        "span bdi div table thead tbody tr th td a figure figcaption dl dt dd svg desc rect path "
        "text code wbr",
    )
)


FORM_TAGS = {"form", "input", "button", "label", "select", "option", "details", "summary"}
LINK = re.compile(r"(?:\.\./)*[a-zA-Z0-9./-]*(?:#[a-z0-9.-]+)?")


class Page(html.parser.HTMLParser):
    """What a page says, its tags, and the fields of its forms by their addresses."""

    def __init__(self, page: Path | str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.forms: dict[str, list[dict[str, str]]] = {}
        self._fields: dict[str, str] = {}  # of the form; those of no form are dropped
        self.feed(page if isinstance(page, str) else page.read_text(encoding="utf-8"))
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "form":
            self._fields = {}
            name = str(attributes["action"]).removeprefix("../").removeprefix("../")
            self.forms.setdefault(name, []).append(self._fields)
        if tag == "input":
            self._fields[str(attributes["name"])] = attributes.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]

    def check_inert(self, forbidden: set[str], allowed: set[str] = ALLOWED) -> None:
        """Only these tags, without these attributes, and links within the site."""
        for tag, attributes in self.tags:
            assert tag in allowed
            for name, value in attributes.items():
                assert not name.startswith("on")
                assert name not in forbidden | {"srcset", "style", "formaction"}
                assert name != "src" or str(value).startswith("data:image/jpeg;base64,")
                if name in ("href", "action"):
                    assert LINK.fullmatch(str(value))


def crawled(ask: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Every page that can be reached, by its address."""
    seen, waiting = set[str](), ["/"]
    while waiting:
        if (address := waiting.pop()) not in seen:
            seen.add(address)
            yield address, (text := ask(address))
            links = [str(each["href"]) for tag, each in Page(text).tags if tag == "a"]
            waiting += [urljoin(address, link).partition("#")[0] for link in links]


def html_files(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))
