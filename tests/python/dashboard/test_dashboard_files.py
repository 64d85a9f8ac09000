"""The files of a dashboard: which are written, and that nothing else is touched."""

import os
import posixpath
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from dashboards import Page, Shown, cells, fill, html_files, profile
from hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from incidents import DAY, FIRST, days
from lightmeter.monitor.sitemap import bucket_page, dataset_page, feature_page, slug
from lightmeter.profile.segments import segment_text
from lightmeter.store import Store


def test_every_link_leads_somewhere(store: Store, tmp_path: Path) -> None:
    shown = cells(store)
    fill(store, HOSTILE[1], 2, segment={HOSTILE[0]: "../../x"})
    shown.results += days(
        "oA", dataset=HOSTILE[1], segment=segment_text({HOSTILE[0]: "../../x"}), feature="entropy"
    )
    site = tmp_path / "site"
    shown.build(site)
    ids = {file: set(Page(file).ids) for file in html_files(site)}
    reached = {site / "index.html"}
    for file in html_files(site):
        for tag, attributes in Page(file).tags:
            if tag != "a":
                continue
            href = unquote(str(attributes["href"]))
            path, _, anchor = href.partition("#")
            target = Path(os.path.normpath(file.parent / path)) if path else file
            assert target in ids, href
            assert not anchor or anchor in ids[target], href
            reached.add(target)
    assert reached == set(ids)
    assert all(len(Page(file).ids) == len(set(Page(file).ids)) for file in ids)


def test_only_what_changed_is_written(store: Store, tmp_path: Path) -> None:
    shown = cells(store)
    first = shown.build(tmp_path / "site")
    assert first.pages == first.written == len(html_files(tmp_path / "site"))
    before = {file: file.stat().st_mtime_ns for file in html_files(tmp_path / "site")}
    assert shown.build(tmp_path / "site") == (first.pages, 0, 0)
    assert {file: file.stat().st_mtime_ns for file in before} == before
    # another day arrives for the left camera
    left = {"camera": "left"}
    store.put("cells", profile(10), at=FIRST + 10 * DAY, writer="w", segment=left)
    again = shown.build(tmp_path / "site")
    # the segment's page and its feature's, and the dataset's
    assert (again.written, again.deleted) == (3, 0)


def test_what_is_gone_is_deleted_and_nothing_else(store: Store, tmp_path: Path) -> None:
    site = tmp_path / "site"
    cells(store).build(site)
    other = site / "notes.txt"
    other.write_text("mine")
    precious = tmp_path / "precious.html"
    precious.write_text("mine")
    manifest = site / "lightmeter-dashboard.txt"
    known = manifest.read_text().split("\n")
    known += ["../precious.html", str(precious), "notes.txt", "a/../../precious.html", "?.html"]
    manifest.write_text("\n".join(known))
    with Store(tmp_path / "empty.db") as empty:
        done = Shown(empty, []).build(site)
    assert done.deleted == len(known) - 6
    assert html_files(site) == [site / "index.html"]
    assert other.read_text() == precious.read_text() == "mine"


def test_a_folder_of_something_else_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(FileExistsError, match="holds files, but no dashboard"):
        Shown(store, []).build(tmp_path)
    assert (tmp_path / "index.html").read_text() == "mine"


@pytest.mark.parametrize("name", ["index.html", "lightmeter-dashboard.txt"])
def test_it_waits_for_no_pipe(store: Store, tmp_path: Path, name: str) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "lightmeter-dashboard.txt").write_text("")
    (tmp_path / "site" / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / "site" / name)
    with pytest.raises(FileExistsError, match="is a link, pipe or device"):
        cells(store).build(tmp_path / "site")


@pytest.mark.parametrize(
    "inside", ["index.html", "lightmeter-dashboard.txt", dataset_page("cells")]
)
def test_no_link_leads_out_of_the_folder(store: Store, tmp_path: Path, inside: str) -> None:
    site, shown = tmp_path / "site", cells(store)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "index.html").write_text("mine")
    shown.build(site)
    link = site / Path(inside).parts[0]
    if link.is_dir():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(elsewhere if link.name != inside else elsewhere / "index.html")
    with pytest.raises(FileExistsError, match="is a link, pipe or device"):
        shown.build(site)
    assert [*elsewhere.rglob("*")] == [elsewhere / "index.html"]
    assert (elsewhere / "index.html").read_text() == "mine"


@settings(max_examples=100, derandomize=True)
@given(st.text(max_size=60), st.text(max_size=60))
def test_file_names_are_safe_and_one_per_name(first: str, other: str) -> None:
    for name in (first, other):
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,60}", slug(name))
    assert (slug(first) == slug(other)) == (first == other)
    for page in (feature_page(first, other, first), bucket_page(first, other, FIRST)):
        assert posixpath.normpath(page) == page
        assert not page.startswith(("/", "."))
