"""Dashboards about drawn results, and their pages as a test reads them."""

import html.parser
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hostile import HOSTILE
from incidents import DAY, FIRST, days
from lightmeter import ProfileView, log
from lightmeter.dashboard import Written, write_dashboard
from lightmeter.monitor.results import Result
from lightmeter.store import Store

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
    """A store with what monitors said of it."""

    def __init__(self, store: Store, results: Iterable[Any]) -> None:
        self.store = store
        self.results = list(results)

    def build(self, out: Path, count: int | None = None) -> Written:
        return write_dashboard(self.store, out, self.results, buckets=count, now=FIRST + 10 * DAY)


def cells(store: Store, states: str = "oooooooooA") -> Shown:
    """Ten days, on the last of which two of three features are anomalous; the camera is not."""
    fill(store, "cells", 10, bad=9)
    fill(store, "cells", 10, segment={"camera": "left"})
    results = [*days(states, feature="saturation"), *days(states, feature="brightness")]
    results += days("o" * 10, feature="entropy", words="", value=0.1)
    results += days("o" * 10, feature="entropy", segment={"camera": "left"}, words="", value=0.1)
    return Shown(store, results)


def attacked(store: Store) -> Shown:
    results: list[Result] = []
    for text in HOSTILE[:5]:
        dataset = text.replace("\x00", "")
        segment = {dataset: dataset}
        view = log(columns={text: [1.0, 2.0, 3.5] * 10, "category": [text] * 30}).view()
        for day in range(3):
            store.put(dataset, view, at=FIRST + day * DAY, writer="w", segment=segment)
            store.put(dataset, view, at=FIRST + day * DAY, writer="w")
        for states, where in (("oAE", segment), ("oA.", {})):
            more = {"segment": where, "feature": text, "words": text, "monitor": text}
            results += days(states, dataset=dataset, **more)
    return Shown(store, results)


ALLOWED = set(
    re.findall(
        r"\w+",
        "html head meta title style body header main footer section nav h1 h2 h3 h4 p ol ul li b "
        "span bdi div table thead tbody tr th td a figure figcaption dl dt dd svg desc rect path "
        "text code",
    )
)


class Page(html.parser.HTMLParser):
    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]


def html_files(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))
