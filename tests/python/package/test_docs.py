"""Every sample of README.md and docs/ runs, and every path, link and option in them is there."""

import ast
import contextlib
import doctest
import importlib
import io
import pydoc
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

import fsspec
import lightmeter as lm
import numpy as np
import pandas as pd
import pytest
import zarr
from commands import commands
from conftest import encoded, lightmeter, picture
from expanding import shown
from generated import of_commands, of_metrics
from lightmeter.cli.options import sentences_of
from lightmeter.demo import draw_cells, run_demo
from lightmeter.image.exif import KNOWN
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.store import tables
from make import DOCS, contents
from PIL import Image
from reader_files import write_all
from receiver import Receiver
from shards import write_manifest, write_parquet, write_tar, write_zip
from sqlalchemy.dialects import postgresql
from videos import write_video, yard

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GUIDES = [*PAGES, ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"]

# A block of Python or TOML, what the site draws, or an indented line with a command of ours.
SAMPLE = re.compile(
    r"^```(?P<kind>python|toml|\{drawn\})[^\n]*\n(?P<block>(?s:.*?))^```"
    r"|^    (?:.* && )?lightmeter (?P<shell>.*)$",
    re.MULTILINE,
)
DATABASE = "postgresql://user@host/drift"
SERVER = "https://drift.example.com"
BUCKET = "s3://bucket/drift"
PHOTOS = "s3://bucket/photos"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
OPTION = re.compile(r"`[^`\n]*?(--[a-z][a-z-]*)")
PATH = re.compile(
    r"`((?:cpp|python|tests|docs|bench|\.ci)/[\w./-]*|[\w/]+\.(?:py|[ch]pp|inl|css))`"
)
FILES = [file for folder in ("cpp", "python", "tests") for file in (ROOT / folder).rglob("*.*")]
DAYS = [date(2022, 9, day) for day in range(1, 12)]


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files that the samples name: pictures, profiles and a store of eleven days."""
    root = tmp_path_factory.mktemp("things")
    write_video(root / "gate.mp4", yard(30))
    run_demo(root / "demo")
    shutil.copy(root / "demo/reference.lmp", root / "good.lmp")
    shutil.copy(root / "demo/batch.lmp", root / "today.lmp")
    for name, folder in (("training", "reference"), ("production", "batch")):
        shutil.copytree(root / "demo" / folder, root / "path/to" / name)
    (root / "photos").mkdir()
    for seed in range(6):
        photo = encoded("JPEG", picture(seed=seed), tags={306: "2022:09:07 12:00:00"})  # DateTime
        (root / f"photos/{seed}.jpg").write_bytes(photo)
    (root / "photos/notes.jpg").write_text("no picture")
    shutil.copy(root / "photos/0.jpg", root / "photo.jpg")
    Image.new("1", (64, 48)).save(root / "mask.png")
    make_sources(root)
    whylogs = ROOT / "tests/golden/whylogs"
    for name, file in (("old", "pictures"), ("older", "uploaded")):
        shutil.copy(whylogs / f"{file}.bin", root / f"{name}.bin")
    shutil.copy(whylogs / "segments.zip", root)
    (root / "shop.py").write_text(
        "def warm_percent(image): return 100 * (image[..., 0] > image[..., 2]).mean()"
    )
    with lm.Store(root / "drift.db") as store:
        for day in DAYS:
            rng = np.random.default_rng(day.day)
            images = [draw_cells(rng) for _ in range(3)]
            view = lm.log_image(images, metrics="whylogs").view()
            for segment in (None, {"camera": "left"}, {"camera": "right"}):
                store.put("cells", view, at=day, writer="a", segment=segment)
            store.put("raw", view, at=day, writer="a")
            store.put("training", view, at=day, writer="a")
    return root


def make_sources(root: Path) -> None:
    """The photos in files of many pictures, and elsewhere."""
    photos = {path.name: path.read_bytes() for path in sorted(root.glob("photos/?.jpg"))}
    write_zip(root / "photos.zip", photos)
    write_parquet(root / "photos.parquet", photos)
    write_manifest(root / "photos.jsonl", [f"photos/{name}" for name in photos])
    lines = [f"photos/{name},{'cat' if name < '3' else 'dog'},2022-09-07T10:00" for name in photos]
    (root / "photos.csv").write_text("\n".join(["path,label,taken_at", *lines]))
    for folder in ("shards", "masks", "scenes"):
        (root / folder).mkdir()
    for name in photos:
        shutil.copy(root / "mask.png", (root / "masks" / name).with_suffix(".png"))
    picture().convert("RGBA").save(root / "scenes/a.tif", tiffinfo={42113: "0"})
    for number in range(2):
        members = dict(photos)
        members |= {name.replace("jpg", "json"): b'{"label": "cat"}' for name in photos}
        write_tar(root / f"shards/shard-{number:03}.tar", dict(sorted(members.items())))
    picture().save(root / "slide.tif")
    write_zarr(root / "slide.ome.zarr")
    for name, data in photos.items():
        fsspec.filesystem("memory").pipe(f"/bucket/photos/{name}", data)


def write_zarr(folder: Path) -> None:
    """A pyramid of two levels."""
    group = zarr.open_group(folder, mode="w", zarr_format=2)
    group.attrs["multiscales"] = [{"axes": ["y", "x"], "datasets": [{"path": "0"}, {"path": "1"}]}]
    for level, side in enumerate((64, 32)):
        group.create_array(str(level), data=np.full((side, side), 7, np.uint8))


@pytest.fixture
def here(things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the things as the working directory, with an address that takes alerts."""
    shutil.copytree(things, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("lightmeter.demo._IMAGES", 12)  # drawing them is what takes time
    with Receiver([200]).running() as receiver:
        for name in ("STORE", "KEY", "DATASET", "SEGMENT"):
            monkeypatch.setenv(f"LIGHTMETER_{name}", "")  # which samples set
        monkeypatch.setenv("LIGHTMETER_SPOOL", str(tmp_path / "spool"))
        monkeypatch.setenv("SLACK_URL", receiver.url)
        monkeypatch.setenv("HOOK_SECRET", "whsec_" + "QUJD" * 8)
        Path("monitors.toml").write_text(toml_of("monitors.md"), encoding="utf-8")
        yield tmp_path / "here"


def toml_of(page: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return "\n".join(match["block"] for match in SAMPLE.finditer(text) if match["kind"] == "toml")


def named() -> dict[str, Any]:
    """What the samples take as given."""
    return {
        "lm": lm,
        "np": np,
        "date": date,
        "datetime": datetime,
        "img": picture(),
        "frame": np.asarray(picture(seed=1)),
        "frames": [np.asarray(picture(seed=seed)) for seed in range(3)],
        "table": pd.DataFrame({"weight": [1.0, 2.0], "camera": ["north", "south"]}),
        "array": np.arange(5.0),
        "dataset": [(picture(seed=number), number % 2) for number in range(3)],
        "view": lm.ProfileView.read("today.lmp"),
        "other": lm.ProfileView.read("good.lmp"),
        "target": lm.ProfileView.read("today.lmp"),
        "reference": lm.ProfileView.read("good.lmp"),
    }


def run_python(block: str, names: dict[str, Any]) -> None:
    """Run a block. A string in a comment after an expression is its value, or its beginning.

    Of what prints it is what is printed.
    """
    lines = block.splitlines()
    for node in ast.parse(block).body:
        if not isinstance(node, ast.Expr):
            exec(compile(ast.Module([node], []), "sample", "exec"), names)
            continue
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            value = eval(compile(ast.Expression(node.value), "sample", "eval"), names)
        value = printed.getvalue().strip() if value is None else value
        comment = lines[(node.end_lineno or 1) - 1].partition("  # ")[2]
        if comment.startswith(("'", '"')):
            expected = ast.literal_eval(comment)
            assert value == expected or value.startswith(expected.removesuffix("...")), value


def run_server(arguments: str) -> None:
    """Start it, and end it once it has begun."""
    command = [sys.executable, "-m", "lightmeter", *shlex.split(arguments), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert b"served at http://" in server.stdout.readline()
        server.terminate()


def run_shell(arguments: str) -> None:
    if arguments.startswith("serve --"):
        run_server(arguments)
        return
    result = lightmeter(*shlex.split(arguments))
    # These may find something anywhere: the exit code says so.
    wanted = {0, 3, 4} if arguments.startswith(("monitor run", "check ")) else {0}
    wanted |= {1} if arguments.startswith("contract check") else set()
    assert result.returncode in wanted, result.stdout + result.stderr


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES[1:] if page.name != "ten-minutes.md"],  # these begin in an empty folder
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
@pytest.mark.usefixtures("here")
def test_samples_run(page: Path, request: pytest.FixtureRequest) -> None:
    names, text = named(), page.read_text(encoding="utf-8")
    if page.name == "readers.md":
        write_all(Path.cwd())
    if DATABASE in text:
        text = text.replace(DATABASE, request.getfixturevalue("database"))
    with served(text) as text:
        run_samples(text, page.name, names)


def test_readme_runs_in_order_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    monkeypatch.chdir(tmp_path)
    page = ROOT / "README.md"
    run_samples(page.read_text(encoding="utf-8").replace(DATABASE, database), page.name, {})
    assert Path("site/index.html").exists()
    with lm.Store("drift.db") as store:
        results = [each for of in store.state.sources() for each in store.state.results(*of[:2])]
    assert {each.bucket.day for each in results if each.state == "anomaly"} == {7, 9, 11}


@contextlib.contextmanager
def served(text: str) -> Iterator[str]:
    """The text, with a server and a folder of this machine in place of those in it."""
    text = text.replace(BUCKET, (Path.cwd() / "bucket").as_uri())
    text = text.replace(PHOTOS, PHOTOS.replace("s3", "memory"))
    if SERVER not in text:
        yield text
        return
    from weather import running

    with lm.Store("server.db") as store, running(store) as port:
        yield text.replace(SERVER, f"http://127.0.0.1:{port}")


def run_samples(text: str, page: str, names: dict[str, Any]) -> None:
    for sample in SAMPLE.finditer(text):
        if sample["kind"] == "python":
            run_python(sample["block"], names)
        elif sample["kind"] == "{drawn}":
            shown(eval(sample["block"].strip(), names), "", Path("drawn"))
        elif sample["kind"] == "toml" and "[[expect]]" in sample["block"]:
            Path("contract.toml").write_text(sample["block"], encoding="utf-8")
        elif sample["kind"] == "toml":
            monitors = toml_of("monitors.md") if page != "monitors.md" else ""
            Path("monitors.toml").write_text(f"{monitors}\n{sample['block']}", encoding="utf-8")
        else:
            run_shell(sample["shell"])
    if "log" in names:
        names["log"].close()


def examples() -> Iterator[doctest.DocTest]:
    """The examples of the docstrings."""
    for file in (ROOT / "python/lightmeter").rglob("*.py"):
        if ">>>" in file.read_text(encoding="utf-8"):
            parts = file.relative_to(ROOT / "python").with_suffix("").parts
            module = importlib.import_module(".".join(parts))
            yield from (test for test in doctest.DocTestFinder().find(module) if test.examples)


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
@pytest.mark.usefixtures("here")
def test_examples_of_docstrings_run(example: doctest.DocTest) -> None:
    """Those that show a result give it."""
    names = {**example.globs, **named()}
    contract = '[[expect]]\nfeature = "image.entropy"\nn = { above = 0 }\n'
    Path("contract.toml").write_text(contract, encoding="utf-8")
    for step in example.examples:
        if step.want:
            assert repr(eval(step.source, names)) == step.want.strip()
        else:
            exec(step.source, names)
    for name in ("log", "writer"):
        if hasattr(names.get(name), "close"):
            names[name].close()
    if "app" in names:
        names["app"].state.server.store.close()


@pytest.mark.usefixtures("here")
def test_every_baseline_of_the_table_is_understood() -> None:
    page = (ROOT / "docs/monitors.md").read_text(encoding="utf-8")
    baselines = re.findall(r"^\| `(\{.*?\})` \|", page, re.MULTILINE)
    assert len(baselines) > 4
    head = '[[monitor]]\ndataset = "cells"\ntype = "drift"\n'
    tables = [f'{head}name = "{at}"\nbaseline = {one}\n' for at, one in enumerate(baselines)]
    Path("baselines.toml").write_text("".join(tables), encoding="utf-8")
    run_shell("monitor check baselines.toml")
    run_shell("monitor run baselines.toml --store drift.db")


def test_the_tables_of_the_page_are_those_of_a_store() -> None:
    page, dialect = (ROOT / "docs/store.md").read_text(encoding="utf-8"), postgresql.dialect()
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.executescript(page.partition("```sql\n")[2].partition("```")[0])
        for table in (tables.dataset, tables.profile):
            found = database.execute(f"PRAGMA table_info({table})").fetchall()
            assert [(name, kind, bool(key)) for _, name, kind, _, _, key in found] == [
                (each.name, each.type.compile(dialect).partition(" ")[0], each.primary_key)
                for each in table.c
            ]


def options_of_commands() -> dict[str, set[str]]:
    """The options of every command and group, by its name below ``lightmeter``."""
    return {
        name.partition(" ")[2]: {option for each in command.params for option in each.opts}
        for name, command in commands()
    }


def test_the_page_of_the_command_line_lists_every_command() -> None:
    page = (ROOT / "docs/command-line.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `([a-z]+)` \| (.*) \|", page, re.MULTILINE))
    names = options_of_commands().keys()
    assert table.keys() == {name for name in names if name and " " not in name}
    for name in names:
        group, _, command = name.partition(" ")
        assert not command or f"`{command}`" in table[group], name


def test_the_site_lists_every_command_and_option() -> None:
    page = of_commands(())
    for name, command in commands():
        own = [each for each in command.params if each.name != "help"]
        section = page.partition(f"### `{name}`\n")[2].partition("\n### ")[0]
        assert bool(section) == bool(own or not hasattr(command, "list_commands")), name
        assert all(
            f"`{option}`" in section for each in own for option in each.opts if "-" in option
        )


def test_the_table_of_options_of_reading_is_that_of_the_code() -> None:
    page = (ROOT / "docs/profiling.md").read_text(encoding="utf-8")
    for option in fields(lm.Reading):
        name, prefix = option.name, option.metadata.get("prefix")
        names = [option.metadata.get("flag", name)] + ["metric"] * (name == "metrics")
        names = [f"{prefix}-{own.name}" for own in fields(option.type)] if prefix else names
        flags = " ".join(f"`--{each.replace('_', '-')}`" for each in names)
        assert f"| `{name}` | {flags} | {sentences_of(lm.Reading)[name]} |" in page


def test_every_option_is_one_of_a_command() -> None:
    known = set[str]().union({"--help"}, *options_of_commands().values())
    for page in PAGES:
        for option in OPTION.findall(page.read_text(encoding="utf-8")):
            assert option in known, f"{page.name}: {option}"


def test_links_and_paths_lead_to_files() -> None:
    for page in GUIDES:
        text = page.read_text(encoding="utf-8")
        for link in LINK.findall(text):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
        for path in PATH.findall(text):
            if "/" in path:
                assert (ROOT / path).exists(), f"{page.name}: {path}"
            else:
                assert any(file.name == path for file in FILES), f"{page.name}: {path}"


def test_every_extra_is_one_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {*project["optional-dependencies"]}
    for file in [*GUIDES, *(ROOT / "python").rglob("*.py")]:
        for named in re.findall(r"(?:lightmeter|[.]|whl)\[([a-z,]+)\]'", file.read_text()):
            assert extras.issuperset(named.split(",")), file.name
    table = re.findall(r"^\| (`[a-z`, ]+`) \|", (DOCS / "installing.md").read_text(), re.MULTILINE)
    listed = re.findall(r"\w+", " ".join(table))
    assert sorted(listed) == sorted(extras - {"test", "integration", "docs"})


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = [page for pages in contents().values() for page in pages]
    assert len(listed) == len(set(listed))
    assert {page for page in listed if page.parent == DOCS} | {DOCS / "README.md"} == set(PAGES[1:])


def test_the_page_of_numbers_has_every_number_once() -> None:
    page = (DOCS / "numbers.md").read_text(encoding="utf-8")
    files = " ".join(re.findall(r"^```\{metrics\}\n(.*)\n```", page, re.MULTILINE)).split()
    rows = re.findall(r"^\| `image[.](.*?)` \| [^|]+ \| \w+ \| .+ \|$", of_metrics(files), re.M)
    assert sorted(rows) == sorted({re.sub(r"r\dc\d", "r0c0", name) for name in IMAGE_NUMBERS})


def test_the_page_of_the_api_has_every_public_name_once() -> None:
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    names = re.findall(r"^[.][.] auto(?:class|function|exception):: (\w+)$", page, re.MULTILINE)
    public = {name for name in lm.__all__ if callable(getattr(lm, name))}
    errors = {name for name in vars(lm.errors) if name.endswith("Error")}
    assert sorted(names) == sorted(public | errors)


def test_names_of_python_are_there() -> None:
    for page in [*GUIDES, ROOT / "CHANGELOG.md"]:
        for name in re.findall(r"`(?:lm|lightmeter)([.][\w.]+)[`(]", page.read_text("utf-8")):
            assert pydoc.locate(f"lightmeter{name}") is not None, f"{page.name}: {name}"


def test_the_page_of_features_names_every_feature(here: Path) -> None:
    page = (ROOT / "docs/features.md").read_text(encoding="utf-8")
    for name in lm.profile_images(here / "photos", metrics="all"):
        name = re.sub(r"\.r\dc\d", ".r0c0", name)
        parts = name.split(".")[1:]
        assert parts[0] in KNOWN or all(f".{part}" in page for part in parts), name
