"""The pages: that they say what the monitors found, and nothing else; live and static alike."""

import os
import posixpath
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import lightmeter, picture
from dashboards import Page, Shown, attacked, cells, crawled, fill, html_files, profile
from hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from incidents import DAY, FIRST, days
from lightmeter import log, log_image
from lightmeter.dashboard import site as site_module
from lightmeter.dashboard.history import Compared, load_histories
from lightmeter.dashboard.pages.parts import Extras
from lightmeter.dashboard.site import LivePages
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import load_results
from lightmeter.monitor.shelf import Shelf
from lightmeter.monitor.sitemap import bucket_page, dataset_page, feature_page, slug
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import segment_text
from lightmeter.store import Store
from lightmeter.store.tables import Accepted
from september import DRIFT, limits, monitor
from stores import save_results

# --- the first page ---------------------------------------------------------------------------


def asked(store: Store, path: str, sees: Any = bool) -> str:
    (extras := Extras()).sees = sees  # type: ignore[method-assign]
    return (LivePages(store).page(path, extras) or b"").decode()


def headlines(store: Store) -> list[str]:
    page = asked(store, "index.html")
    return re.findall(r'<p class="(?:headline|summary)[^>]*>(.*?)</p>', page)


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ("oooo", ["Nothing unusual now in 1 dataset"]),
        ("oAoo", ["Nothing unusual now in 1 dataset; 1 anomaly has ended"]),
        ("AoAo", ["Nothing unusual now in 1 dataset; 2 anomalies have ended"]),
        ("AooA", ["1 anomaly is open; 1 anomaly has ended"]),
        ("AoE", ["The monitors could not judge 1 of 1 dataset"]),
        ("..", ["1 dataset, nothing judged yet"]),
    ],
)
def test_the_headline_counts_open_and_ended_anomalies(
    store: Store, states: str, words: list[str]
) -> None:
    fill(store, "cells", max(2, len(states)))
    save_results(store, days(states, feature="saturation"))
    assert headlines(store) == words


def test_a_dataset_that_was_not_judged_is_not_called_usual(store: Store) -> None:
    for dataset, states in (("cells", "oo"), ("road", "..")):
        fill(store, dataset, 2)
        results = days(states, dataset=dataset, feature="saturation")
        save_results(store, results, source=f"/{dataset}.toml")
    assert headlines(store) == ["Nothing unusual now in 1 of 2 datasets"]


def test_nothing_to_show(store: Store, tmp_path: Path) -> None:
    Shown(store, []).build(tmp_path / "empty")
    assert "Nothing has been logged" in Page(tmp_path / "empty/index.html").text
    fill(store, "cells", 2)
    Shown(store, []).build(tmp_path / "site")
    page = Page(tmp_path / "site" / dataset_page("cells"))
    assert "No monitor has judged it yet." in page.text
    assert "– not watched" in page.text  # noqa: RUF001


# --- datasets, features and buckets -----------------------------------------------------------


def test_what_each_page_says(store: Store, tmp_path: Path) -> None:
    fill(store, "streets", 3)
    shown = cells(store)
    shown.results += days("ooo", dataset="streets", value=0.1)
    shown.build(tmp_path / "site")
    first = Page(tmp_path / "site/index.html").text
    assert re.search(r"cells ● anomaly 1 2022-09-10 0 10 ", first)  # one of two features
    assert re.search(r"streets ○ ok 0 2022-09-03 0 3 ", first)
    told = r"2022-09-10 cells Saturation fell by 38 % found by “ drift ” [(]2 features so far[)]"
    assert re.search(f"Anomalies {told}", first, re.IGNORECASE)
    page = Page(tmp_path / "site" / dataset_page("cells"))
    assert "10 buckets, 2022-09-01 to 2022-09-10" in page.text
    assert "cells [camera=left] ○ ok" in page.text
    features = page.text[page.text.index("Features") :]
    looks = re.findall(r"(brightness|saturation|entropy) ([●○])", features)
    order = [("saturation", "●"), ("brightness", "●"), ("entropy", "○")]
    assert looks == order, "what is anomalous comes first, led by the cause"
    assert sum(attributes.get("class") == "spark" for _, attributes in page.tags) == 3
    left = Page(tmp_path / "site" / dataset_page("cells", "camera=left"))
    assert "cells [camera=left]" in left.text
    assert "No anomaly" in left.text


def test_a_feature_is_drawn_in_its_own_unit_with_its_baseline(store: Store) -> None:
    """The band is the range of the buckets that the monitor chose: good ones, at most 28."""
    fill(store, "cells", 20, bad=15)
    rule = monitor(name="drift", metric="ks", above=0.6, baseline={"trailing": 5})
    update_results(store, [rule])
    compared = compared_of(store)
    levels = compared.levels("saturation", compared.monitor(compared.results(FIRST + 19 * DAY)))
    means = [profile(day, 3.0 * (day == 15))["saturation"].mean for day in range(20)]
    assert [level.value for level in levels] == pytest.approx(means)
    assert (levels[0].lower, levels[0].upper) == (None, None)
    good = [means[day] for day in (13, 14, 16, 17, 18)]
    assert (levels[19].lower, levels[19].upper) == pytest.approx((min(good), max(good)))
    page = asked(store, feature_page("cells", "", "saturation"))
    assert "the last value is" in page
    assert "by “<bdi>drift</bdi>”" in page
    assert 'id="level-t"' in page
    # Rates are levels, too; texts have none.
    store.put("cells", log(columns={"x": ["a", None], "y": [1.0, None]}), at=FIRST, writer="x")
    rates = compared_of(store)
    assert rates.levels("y:missing", rule)[0].value == 0.5
    assert {level.value for level in rates.levels("x", rule)} == {None}


def test_a_change_for_good_is_drawn_against_the_time_before_it(store: Store) -> None:
    for day in range(50):
        store.put("cells", profile(day, 2.0 * (day >= 42)), at=FIRST + day * DAY, writer="w")
    update_results(store, [monitor(name="slow", type="trend")])
    page = asked(store, feature_page("cells", "", "saturation"))
    assert "The band is the range of the means in the baseline of “<bdi>slow</bdi>”" in page
    assert "of the last 7 buckets. In words: saturation jumped on 2022-10-13" in page
    compared = compared_of(store)
    result = next(each for each in compared.results(FIRST + 49 * DAY) if each.state == "anomaly")
    assert result.since == FIRST + 42 * DAY
    mark = compared.levels("saturation", compared.monitor([result]), result.since)[-1]
    assert mark.upper is not None
    assert mark.upper < 1.0 < (mark.value or 0.0)


def compared_of(store: Store) -> Compared:
    shelf = Shelf(store)
    (history,) = load_histories(shelf, "cells", "")
    return Compared(shelf, history, bool)


@pytest.mark.usefixtures("three_are_enough")
def test_the_baseline_shown_is_that_of_a_monitor(store: Store, tmp_path: Path) -> None:
    """The first on drift, else the first that has one: as it had it, which the page says."""
    fill(store, "cells", 12, bad=11)
    fill(store, "training", 12)
    profile(77).write(tmp_path / "good.lmp")
    few = monitor(name="i", type="interval", baseline={"trailing": 4})
    other = monitor(name="d", baseline={"dataset": "training"})
    file = monitor(name="d", baseline={"reference": tmp_path / "good.lmp"})
    contract = monitor(name="c", **limits(upper=1.0, feature="*"))
    page = bucket_page("cells", "", FIRST + 11 * DAY)
    for watching, told in [
        ([few], "baseline of “i”: 4 buckets, 2022-09-08 to 2022-09-11"),
        ([few, other], "baseline of “d”: training, 12 buckets,"),
        ([file], "baseline of “d”: good.lmp"),
        ([contract], "no baseline"),
        ([file], "baseline of “d”: good.lmp"),
    ]:
        update_results(store, watching)
        assert told in asked(store, page)
    (tmp_path / "good.lmp").unlink()
    assert "baseline of “d”: good.lmp cannot be read" in asked(store, page)
    assert asked(store, feature_page("cells", "", "saturation"))


NAMES = [f"f{index}" for index in range(6)]


def bursts(day: int, shift: float = 0.0) -> ProfileView:
    """Ten bursts of ten images that look alike, as of a camera on a road."""
    rng = np.random.default_rng(day)
    means = rng.normal(10, 1, (10, 1, len(NAMES)))
    values = (means + rng.normal(shift, 0.2, (10, 10, len(NAMES)))).reshape(100, -1)
    return log(columns=dict(zip(NAMES, values.T, strict=True))).view()


def test_where_nothing_changed_no_page_says_drift(store: Store, tmp_path: Path) -> None:
    """A test of independent images would say that bursts drifted. Only an anomaly has a page."""
    for day in range(20):
        store.put("cells", bursts(day, 9.0 * (day == 19)), at=FIRST + day * DAY, writer="w")
    update_results(store, [monitor()])
    site, last = tmp_path / "site", FIRST + 19 * DAY
    assert {result.bucket for result in load_results(store) if result.state == "anomaly"} == {last}
    Shown(store, []).build(site)
    bad = site / bucket_page("cells", "", last)
    assert [file for file in html_files(site) if re.match(r"\d", file.name)] == [bad]
    assert not asked(store, bucket_page("cells", "", last - DAY))
    page = Page(bad)
    assert page.text.count("● anomaly") == 1 + 2 * len(NAMES), "page, charts and table"
    assert not re.search(r"\de-\d", page.text), "minus signs alike"
    for result in load_results(store):
        if result.bucket == last:
            assert page.text.count(result.words) == 2, "chart and table"
    assert "0 of 6 results are ok" in page.text
    for file in html_files(site):
        assert not any(word in Page(file).text for word in ("● drift", "◐ possible"))
    store.delete("cells", last)
    Shown(store, []).build(site)
    assert not bad.exists()
    assert not asked(store, bucket_page("cells", "", last))


def test_a_grid_without_a_baseline_is_no_heat_map(store: Store) -> None:
    """As after an accepted change, until the next run of the monitors."""
    store.put("cells", log_image(picture(), metrics="camera"), at=FIRST, writer="w")
    bad = days("A", feature="image.Grid.r0c0") + days("A", feature="image.Grid.r0c1")
    save_results(store, bad)
    page = asked(store, bucket_page("cells", "", FIRST))
    assert "image.Grid.r0c1" in page
    assert "Where in the image" not in page


def test_some_parts_of_the_image_have_charts_beside_the_heat_map(store: Store) -> None:
    for day in range(16):
        images = [np.array(picture(seed=12 * day + at)) for at in range(12)]
        for image in images * (day == 15):
            image[:20] //= 4
        store.put("cells", log_image(images, metrics="camera"), at=FIRST + day * DAY, writer="w")
    update_results(store, [monitor()])
    page = asked(store, bucket_page("cells", "", FIRST + 15 * DAY))
    assert re.findall(r"<h3><bdi>image\.Grid\.r(.)", page) == ["0"] * 4
    assert "Where in the image" in page


def test_on_the_command_line(store: Store, tmp_path: Path) -> None:
    """What `monitor run` finds is what the site shows."""
    done = lightmeter("dashboard", "--store", store.path, "-o", tmp_path / "empty")
    assert done.stdout.endswith("index.html: 1 page, 1 written\n")
    fill(store, "cells", 20, bad=19)
    config = tmp_path / "monitors.toml"
    config.write_text(DRIFT)
    assert lightmeter("monitor", "run", config, "--store", store.path).returncode == 3
    for written in ("6", "0"):
        done = lightmeter("dashboard", "--store", store.path, "-o", tmp_path / "site")
        assert done.returncode == 0, done.stderr
        assert f"{tmp_path}/site/index.html: 6 pages, {written} written" in done.stdout
    text = Page(tmp_path / "site/index.html").text
    assert re.search(r"Anomalies 2022-09-20 cells .* [(]3 features so far[)] since .*; still", text)
    assert " 2022-09-0" not in text.split("Anomalies")[1]
    done = lightmeter("dashboard", "--store", store.path, "-o", tmp_path)
    assert done.returncode == 1
    assert "are not a dashboard; choose an empty folder" in done.stderr


# --- on request -------------------------------------------------------------------------------


def test_pages_on_request_are_those_of_the_static_site(store: Store, tmp_path: Path) -> None:
    fill(store, HOSTILE[1], 2, segment={HOSTILE[0]: "../../x"})
    fill(store, "cells", 7, bad=6)
    fill(store, "cells", 7, segment={"camera": "left"})
    results = days("oo.EooA", feature="saturation") + days("ooooooA", feature="brightness")
    results += [each._replace(segment="camera=left") for each in results]
    results += days(
        "oA", dataset=HOSTILE[1], segment=segment_text({HOSTILE[0]: "../../x"}), feature="entropy"
    )
    site = tmp_path / "site"
    Shown(store, results).build(site)
    files = {f"/{file.relative_to(site).as_posix()}": file.read_text() for file in html_files(site)}
    assert len(files) == 13
    # Every page is reached by links, and every link leads to a page.
    reached = dict(crawled(lambda address: asked(store, address[1:] or "index.html")))
    assert reached.pop("/") == reached["/index.html"]
    assert reached == files
    dots = f"{dataset_page('cells')}/index.html"
    for path in ("x.html", "cells/index.html", dots, "../index.html"):
        assert not asked(store, path)


def test_a_page_is_made_again_only_when_something_changes(store: Store, monkeypatch: Any) -> None:
    save_results(store, cells(store).results)
    make, made = site_module._live_page, list[str]()
    counting = lambda *given: made.append(given[1]) or make(*given)  # noqa: E731
    monkeypatch.setattr(site_module, "_live_page", counting)
    pages = LivePages(store)
    paths = ["index.html", dataset_page("cells"), bucket_page("cells", "", FIRST + 9 * DAY)]

    def look() -> list[str]:
        made.clear()
        for path in paths:
            assert pages.page(path, Extras())
        return made.copy()

    assert [look(), look()] == [paths, []]
    store.put("cells", profile(99), at=FIRST + 8 * DAY, writer="w")
    assert [look(), look()] == [paths, []]
    store.state.accept(Accepted("cells", "*", "*", FIRST, "known", FIRST))
    assert [look(), look()] == [paths, []]
    save_results(store, days("ooooooo AA", feature="saturation"))
    assert [look(), look()] == [paths, []]


def test_who_does_not_see_a_dataset_sees_nothing_of_it(store: Store) -> None:
    """Neither as a page, nor in a list, nor as the baseline of another one."""
    fill(store, "cells", 7, bad=6)
    fill(store, "secret", 7)
    hidden = {"metric": "ks", "above": 0.6, "baseline": {"dataset": "secret"}}
    update_results(store, [monitor(name="drift", **hidden)])

    def page(path: str) -> str:
        return asked(store, path, lambda dataset: dataset == "cells")

    bucket = bucket_page("cells", "", FIRST + 6 * DAY)
    assert "baseline of “drift”: secret" in asked(store, bucket)
    assert "no baseline" in page(bucket)
    feature = feature_page("cells", "", "saturation")
    assert page(feature) != asked(store, feature), "the band is another one"
    for path in ("index.html", dataset_page("cells"), feature, bucket):
        assert page(path)
        assert "secret" not in page(path)
    assert page(dataset_page("secret")) == page(bucket_page("secret", "", FIRST)) == ""


# --- hostile text -----------------------------------------------------------------------------


def test_nothing_of_strangers_gets_out(store: Store, tmp_path: Path) -> None:
    attacked(store).build(tmp_path / "site")
    files = html_files(tmp_path / "site")
    assert len(files) > 20
    for file in files:
        page = Page(file)
        page.check_inert({"action"})
        assert all(char.isprintable() or char == "\n" for char in "".join(page.words))
        assert "script-src" not in file.read_text()
        assert "default-src 'none'; style-src 'sha256-" in file.read_text()


# Which files are written, and that nothing else is touched


def test_only_what_changed_is_written(store: Store, tmp_path: Path) -> None:
    shown = cells(store)
    first = shown.build(tmp_path / "site")
    assert first.pages == first.written == len(html_files(tmp_path / "site"))
    assert shown.build(tmp_path / "site") == (first.pages, 0)
    # another day arrives for the left camera
    left = {"camera": "left"}
    store.put("cells", profile(10), at=FIRST + 10 * DAY, writer="w", segment=left)
    # the segment's page and its feature's, and the dataset's
    assert shown.build(tmp_path / "site").written == 3


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
        Shown(empty, []).build(site)
    assert html_files(site) == [site / "index.html"]
    assert other.read_text() == precious.read_text() == "mine"


@pytest.mark.parametrize("way", ["written", "deleted", "pipe"])
@pytest.mark.parametrize(
    "inside", ["index.html", "lightmeter-dashboard.txt", dataset_page("cells")]
)
def test_no_link_leads_out_of_the_folder_and_no_pipe_is_waited_for(
    store: Store, tmp_path: Path, inside: str, way: str
) -> None:
    """Whether its pages are written again or deleted."""
    site, shown = tmp_path / "site", cells(store)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "index.html").write_text("mine")
    shown.build(site)
    link = site / Path(inside).parts[0]
    if way == "pipe":
        (site / inside).unlink()
        os.mkfifo(site / inside)
        with pytest.raises(FileExistsError, match="is a link, pipe or device"):
            shown.build(site)
    if link.is_dir():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(elsewhere if link.name != inside else elsewhere / "index.html")
    if way == "deleted":
        store.delete("cells")
        store.delete("cells", segment="camera=left")
        shown.results.clear()
        save_results(store, [])
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
