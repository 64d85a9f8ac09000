"""Every number on a page is at most two steps away from the function that makes it.

So it goes by hand, for "moved by" of a report:

1. ``grep -rn '"moved by":' python/lightmeter/report`` finds ``"moved by": line.wasserstein`` in a
   function that takes a ``line: FeatureDrift``.
2. ``grep -rn '"wasserstein"' python/lightmeter/drift cpp/bindings`` finds ``compare_numbers_of`` of
   the core, which drift/numbers.py calls.

A number that a class computes is made by its method, such as ``History.anomalies``. A field is made
by the function that gives it by name. Where several do, each is for the kinds of its own file: a
rate is made in drift/rates.py, and what kinds have in common in drift/statistics.py. What monitors
and stores keep as rows ends at the field of the row.

What the core makes stands in C++ beside its label. ``grep -rn '"Brightness.mean"' cpp/src`` finds
the file of the metric, whose function ``read`` makes the number.
"""

import ast
import html.parser
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from incidents import DAY, FIRST, days
from lightmeter import DriftReport, Store, compare, log, log_image
from lightmeter.dashboard import write_dashboard
from lightmeter.monitor.sitemap import bucket_page, dataset_page, feature_page
from lightmeter.report.page import html_page
from lightmeter.text import number, percent
from lightmeter.viz import NotebookProfileVisualizer

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "python/lightmeter"


# --- from a label to what is read, and from that to what makes it -----------------------------


class Place(NamedTuple):
    file: str
    name: str


class Reading(NamedTuple):
    """What stands beside a label: an attribute of an object of a class."""

    place: Place
    owner: str
    attribute: str


@cache
def trees() -> dict[str, ast.Module]:
    files = sorted(PACKAGE.rglob("*.py"))
    return {file.relative_to(PACKAGE).as_posix(): ast.parse(file.read_text()) for file in files}


def functions(tree: ast.AST, names: tuple[str, ...] = ()) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        inner = names
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inner = (*names, node.name)
        if isinstance(node, ast.FunctionDef):
            yield ".".join(inner), node
        yield from functions(node, inner)


def own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What is in a function, and not in one within it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef):
            yield node
            yield from own_nodes(node)  # type: ignore[arg-type]


@cache
def core_functions() -> dict[str, str]:
    """The functions by which the core compares, and their texts."""
    text = (ROOT / "cpp/bindings/bind_drift.cpp").read_text()
    parts = [re.search(r"\n(?:py::\w+|\w+) (\w+)\(", part) for part in text.split("\n}\n")]
    return {match[1]: match.string for match in parts if match}


def core_gives(function: str, field: str) -> bool:
    """Whether a function of the core gives the field by name, or calls one that does."""
    text = core_functions()[function]
    called = {name for name in core_functions() if name != function and f"{name}(" in text}
    gives = re.search(rf'\[(?:key<)?"{field}"(?:>\(\))?\] =', text)
    return bool(gives) or any(core_gives(name, field) for name in called)


@cache
def classes() -> dict[str, tuple[str, ast.ClassDef]]:
    """The classes of the package whose names are theirs alone."""
    named: dict[str, list[tuple[str, ast.ClassDef]]] = {}
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                named.setdefault(node.name, []).append((file, node))
    return {name: places[0] for name, places in named.items() if len(places) == 1}


def class_of(annotation: ast.expr | None) -> str | None:
    """``Bucket`` of ``Sequence[Bucket] | None``."""
    words = re.findall(r"\w+", ast.unparse(annotation)) if annotation else []
    return next((word for word in words if word in classes()), None)


def variables(function: ast.FunctionDef) -> dict[str, str]:
    """The class of each variable that has an annotation, or walks over one that has."""
    found: dict[str, str | None] = {}
    for argument in (*function.args.args, *function.args.kwonlyargs):
        found[argument.arg] = class_of(argument.annotation)
    for node in own_nodes(function):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = class_of(node.annotation)
    for node in own_nodes(function):
        match node:
            case ast.comprehension(target=ast.Name(id=name), iter=ast.Name(id=many)):
                found.setdefault(name, found.get(many))
    return {name: owner for name, owner in found.items() if owner}


def readings(label: str, room: str) -> list[Reading]:
    """The first step: the entries of dictionaries that have the label as their key."""
    found = []
    for file, tree in trees().items():
        if not file.startswith(f"{room}/"):
            continue
        around: dict[str, dict[str, str]] = {}
        for name, function in functions(tree):
            outer = around.get(name.rpartition(".")[0], {})
            known = around[name] = outer | variables(function)
            for node in own_nodes(function):
                if not isinstance(node, ast.Dict):
                    continue
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == label:
                        for owner, attribute in attributes(value, known):
                            found.append(Reading(Place(file, name), owner, attribute))
    return found


def attributes(value: ast.expr, known: dict[str, str]) -> Iterator[tuple[str, str]]:
    for node in ast.walk(value):
        if isinstance(node, ast.Attribute):
            base = node.value.value if isinstance(node.value, ast.Subscript) else node.value
            if isinstance(base, ast.Name) and base.id in known:
                yield known[base.id], node.attr


# Of the functions that make lines of several kinds, the file of the kind.
FILES = {"number": "numbers", "hue": "numbers", "pixels": "numbers", "category": "categories"}


def maker(reading: Reading, kind: str = "") -> Place:
    """The second step: a method, or the function that gives a field, or else the field."""
    file, owner = classes()[reading.owner]
    end = Place(file, f"{reading.owner}.{reading.attribute}")
    members = [node for node in owner.body if isinstance(node, ast.FunctionDef)]
    if reading.attribute in {method.name for method in members}:
        return end
    fields = {ast.unparse(node.target) for node in owner.body if isinstance(node, ast.AnnAssign)}
    assert reading.attribute in fields
    room = file.split("/")[0]
    made = [
        Place(path, name)
        for path, tree in trees().items()
        if path.startswith(f"{room}/")
        for name, function in functions(tree)
        if Place(path, name) != reading.place and gives(function, reading.owner, reading.attribute)
    ]
    if len(made) > 1 and kind:
        files = [f"{room}/{stem}.py" for stem in (FILES.get(kind, "rates"), "statistics")]
        made = [place for file in files for place in made if place.file == file][:1]
    return made[0] if len(made) == 1 else end


def gives(function: ast.FunctionDef, owner: str, field: str) -> bool:
    """Whether it gives the field by name, and not to another class."""
    return any(
        (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) in (owner, ast.unparse(node.func).lower())
            and any(keyword.arg == field for keyword in node.keywords)
        )
        or (
            isinstance(node, ast.Dict)
            and any(isinstance(key, ast.Constant) and key.value == field for key in node.keys)
        )
        or (
            isinstance(node, ast.Subscript)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.slice) == repr(field)
        )
        or (
            isinstance(node, ast.Call)
            and (name := ast.unparse(node.func).removeprefix("_core.")) in core_functions()
            and core_gives(name, field)
        )
        for node in own_nodes(function)
    )


# --- the pages --------------------------------------------------------------------------------


class Numbers(html.parser.HTMLParser):
    """The texts beside labels: by row and head in tables, by figure and term elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: dict[tuple[str, str], str] = {}
        self._tags: list[str] = []
        self._heads: list[str] = []
        self._cells: list[str] = []
        self._figure = self._term = ""
        self.feed(re.sub(r"<(?:meta|img|rect|path)[^>]*>|<style>.*?</style>", "", page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tags.append(tag)
        if tag == "tr":
            self._cells = []
        elif tag in ("td", "th"):
            self._cells.append("")
        elif tag in ("h3", "h4"):
            self._figure = ""
        elif tag == "dt":
            self._term = ""

    def handle_endtag(self, tag: str) -> None:
        self._tags.pop()
        if tag == "tr" and "thead" in self._tags:
            self._heads = self._cells
        elif tag == "tr" and len(self._cells) > 1:  # else the heading of a group
            pairs = zip(self._heads, self._cells, strict=True)
            self.texts |= {(self._cells[0], head): text for head, text in pairs}

    def handle_data(self, text: str) -> None:
        inside = set(self._tags)
        if inside & {"td", "th"}:
            self._cells[-1] += text
        elif inside & {"h3", "h4"}:
            self._figure += text
        elif "dt" in inside:
            self._term += text
        elif "dd" in inside:
            self.texts[self._figure, self._term] = text


@cache
def report() -> DriftReport:
    """Half of the target's images are brighter than the reference's, and some files are broken."""

    def images(seed: int, light: int) -> list[object]:
        rng = np.random.default_rng(seed)
        return [rng.integers(0, 150 + light * (k % 2), (9, 9, 3), np.uint8) for k in range(40)]

    return compare(
        target=log_image([*images(1, 90), *[b"broken"] * 9]), reference=log_image(images(2, 0))
    )


BRIGHT, FAILED = "image.Brightness.mean", "image.Failure"
REPORT = [
    *((BRIGHT, label) for label in ("size", "D", "p", "q", "Hellinger", "moved by", "PSI", "JS")),
    *((BRIGHT, label) for label in ("values", "mean, reference", "mean, target")),
    *((FAILED, label) for label in ("size", "p", "rate, reference", "rate, target", "values")),
]


@pytest.mark.parametrize(("feature", "label"), REPORT)
def test_a_number_of_a_report(feature: str, label: str) -> None:
    """The label leads to one function of drift, and what it made is what the page shows."""
    line = report()[feature]
    shown = Numbers(html_page(report())).texts[feature, label].split(" / ")
    beside = readings(label, "report")
    assert {reading.place.file for reading in beside} == {"report/numbers.py"}
    for reading in beside:
        assert reading.owner == "FeatureDrift"
        place = maker(reading, line.kind)
        assert place.file.startswith("drift/")
        assert place.file != "drift/feature.py"
        value = getattr(line, reading.attribute)
        assert {number(value, 2), number(value, 3), number(value), percent(value)} & set(shown)


DASHBOARD = [
    ("index", "cells", "images in it", "store"),
    ("index", "cells", "buckets", "dashboard"),
    ("index", "cells", "open", "dashboard"),
    ("dataset", "brightness", "last value", "monitor"),
    ("dataset", "brightness", "expected", "monitor"),
    ("dataset", "brightness", "anomalies", "dashboard"),
    ("feature", "2022-09-03", "value", "monitor"),
    ("feature", "2022-09-03", "expected", "monitor"),
    ("bucket", "brightness", "value", "monitor"),
    ("bucket", "brightness", "expected", "monitor"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("site") / "dashboard"
    with Store(folder.parent / "drift.db") as store:
        for day in range(3):
            view = log(columns={"brightness": np.arange(20.0) + day}).view()
            store.put("cells", view, at=FIRST + day * DAY, writer="w")
        write_dashboard(store, folder, days("ooA", feature="brightness"))
    pages = {
        "index": "index.html",
        "dataset": dataset_page("cells"),
        "feature": feature_page("cells", "", "brightness"),
        "bucket": bucket_page("cells", "", FIRST + 2 * DAY),
    }
    return {kind: folder / page for kind, page in pages.items()}


@pytest.mark.parametrize(("page", "row", "label", "room"), DASHBOARD)
def test_a_number_of_a_dashboard(
    site: dict[str, Path], page: str, row: str, label: str, room: str
) -> None:
    assert re.search(r"\d", Numbers(site[page].read_text()).texts[row, label])
    beside = readings(label, "dashboard")
    assert beside
    assert {maker(reading).file.split("/")[0] for reading in beside} == {room}


# --- what the core makes ----------------------------------------------------------------------


def beside_in_core(label: str) -> tuple[Path, str]:
    """The one file that holds the label, and what follows it."""
    files = [file for file in (ROOT / "cpp").rglob("*.?pp") if f'"{label}"' in file.read_text()]
    (file,) = (file for file in files if "tests" not in file.parts)
    return file, file.read_text().split(f'"{label}"', 1)[1]


def declared(function: str, folder: str) -> list[Path]:
    """The headers that declare it."""
    declaration = re.compile(rf"^ *\[\[nodiscard\]\] .*\b{function}\(", re.MULTILINE)
    files = (ROOT / "cpp/include/lightmeter" / folder).glob("*.hpp")
    return [file for file in files if declaration.search(file.read_text())]


@pytest.mark.parametrize(
    "label", ["Brightness.mean", "Saturation.stddev", "Hue.concentration", "entropy"]
)
def test_a_number_of_an_image(label: str) -> None:
    assert f"image.{label}" in html_page(report())
    file, rest = beside_in_core(label)
    assert file.parent.name == "metrics"
    read = rest.split(" read(", 1)[1]
    assert len({name for name in re.findall(r"\b(\w+)\(", read) if declared(name, "measure")}) == 1


@pytest.mark.parametrize(
    ("label", "made"), [("mean", "mean"), ("stddev", "stddev"), ("median", "quantile")]
)
def test_a_number_of_a_summary(label: str, made: str) -> None:
    visualizer = NotebookProfileVisualizer()
    visualizer.set_profiles(report().target, report().reference)
    assert f"distribution/{label}<" in visualizer.feature_statistics(BRIGHT)._repr_html_()
    _, rest = beside_in_core(f"distribution/{label}")
    assert re.search(rf"\.{made}\(", rest)
    assert len(declared(made, "sketch")) == 1
