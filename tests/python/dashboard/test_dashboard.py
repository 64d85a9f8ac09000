"""The dashboard: what it says, where it links, that it rewrites only what changed, in a browser."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import lightmeter
from dashboards import NAMES, Page, Shown, attacked, cells, fill, html_files, profile
from hostile import HOSTILE
from incidents import DAY, FIRST, days
from lightmeter import Profile
from lightmeter.dashboard import asked as asked_module
from lightmeter.dashboard import place as place_module
from lightmeter.dashboard.asked import AskedPages
from lightmeter.dashboard.extras import Extras
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.results import load_results
from lightmeter.monitor.sitemap import (
    bucket_page,
    dataset_page,
    feature_page,
    segment_page,
    slug,
)
from lightmeter.store import Store
from lightmeter.store.records import Accepted
from PIL import Image
from september import monitor
from stores import save_results

# --- what it says -----------------------------------------------------------------------------


def test_the_first_page_says_what_needs_a_look(store: Store, tmp_path: Path) -> None:
    fill(store, "streets", 3)
    shown = cells(store)
    shown.results += days("ooo", dataset="streets", value=0.1)
    shown.build(tmp_path / "site")
    text = Page(tmp_path / "site/index.html").text
    assert "1 of 2 datasets needs a look" in text
    assert re.search(r"cells ● anomaly 2022-09-10 0 10 1 1 ", text)  # of two features
    assert re.search(r"streets ○ ok 2022-09-03 0 3 0 ", text)
    assert re.search(
        r"Anomalies 2022-09-10 cells saturation fell by 38 % by drift; 2 features; lasts", text
    )


def test_a_dataset_shows_segments_features_anomalies_and_days(store: Store, tmp_path: Path) -> None:
    cells(store).build(tmp_path / "site")
    page = Page(tmp_path / "site" / dataset_page("cells"))
    assert "10 buckets, 2022-09-01 to 2022-09-10" in page.text
    assert "camera=left ○ ok" in page.text
    # what is anomalous comes first
    order = [
        page.text.index(f"{name} {look}")
        for name, look in (("brightness", "●"), ("saturation", "●"), ("entropy", "○"))
    ]
    assert order == sorted(order)
    assert "at most 0.25" in page.text
    assert sum(attributes.get("class") == "spark" for _, attributes in page.tags) == 3
    left = Page(tmp_path / "site" / segment_page("cells", "camera=left"))
    assert "cells [camera=left]" in left.text
    assert "No anomaly" in left.text


def test_a_feature_has_its_line_limits_and_values(store: Store, tmp_path: Path) -> None:
    cells(store, "oooA.Eoooo").build(tmp_path / "site")
    page = Page(tmp_path / "site" / feature_page("cells", "", "saturation"))
    assert (
        "10 buckets from 2022-09-01 to 2022-09-10; the last value is 0.62, expected at most 0.25; "
        "1 anomaly, the last on 2022-09-04"
    ) in page.text
    assert "2022-09-06 saturation fell by 38 % by drift; 1 feature; could not be judged; over by "
    assert "over by 2022-09-07" in page.text
    for state in ("● anomaly", "◌ not enough data", "▲ error", "○ ok"):
        assert state in page.text


def test_a_day_shows_its_distributions_against_the_baseline(store: Store, tmp_path: Path) -> None:
    shown = cells(store)
    shown.build(tmp_path / "site")
    page = Page(tmp_path / "site" / bucket_page("cells", "", FIRST + 9 * DAY))
    assert "2022-09-10 ● anomaly baseline: the 7 buckets before without anomalies" in page.text
    assert "1 of 3 judged ok" in page.text
    assert page.text.count("Reference, 210 values") == 3
    assert page.text.count("target, 30 values: most between") == 3
    first = page.text.index("Distributions of what is anomalous")
    assert first < page.text.index("The others")
    assert {f"f-{slug(name)}" for name in NAMES} <= set(page.ids)
    assert "← 2022-09-09" in page.text
    assert "→ 2022" not in page.text


@pytest.mark.usefixtures("three_are_enough")
def test_the_baseline_shown_is_that_of_a_monitor(store: Store, tmp_path: Path) -> None:
    """The first on drift, else the first that has one: as it had it, which the page says."""
    fill(store, "cells", 12, bad=9)
    fill(store, "cells", 12, segment={"camera": "left"})
    fill(store, "training", 12)
    profile(77).write(tmp_path / "good.lmp")
    few = monitor(name="i", type="interval", baseline={"trailing": 4})
    other = monitor(name="d", baseline={"dataset": "training"})
    file = monitor(name="d", baseline={"reference": tmp_path / "good.lmp"})
    for watching, told in [
        ([few], "baseline of i: 4 buckets, 2022-09-07 to 2022-09-11"),
        ([few, other], "baseline of d: training, 12 buckets,"),
        ([file], "baseline of d: good.lmp"),
    ]:
        update_results(store, watching)
        built = Shown(store, load_results(store))
        built.build(tmp_path / "site")
        place = tmp_path / "site" / bucket_page("cells", "", FIRST + 11 * DAY)
        assert told in Page(place).text
        left = tmp_path / "site" / bucket_page("cells", "camera=left", FIRST + 11 * DAY)
        assert "baseline: the 7 buckets before" in Page(left).text
        assert built.build(tmp_path / "site").written == 0
    profile(78).write(tmp_path / "good.lmp")
    assert built.build(tmp_path / "site").written == 12
    (tmp_path / "good.lmp").unlink()
    built.build(tmp_path / "site")
    assert "baseline of d: good.lmp, which cannot be read" in Page(place).text


def test_nothing_to_show(store: Store, tmp_path: Path) -> None:
    Shown(store, []).build(tmp_path / "empty")
    assert "Nothing has been logged" in Page(tmp_path / "empty/index.html").text
    fill(store, "cells", 2)
    Shown(store, []).build(tmp_path / "site")
    assert "1 dataset, not watched yet" in Page(tmp_path / "site/index.html").text
    page = Page(tmp_path / "site" / dataset_page("cells"))
    assert "No monitor has judged this yet. See lightmeter monitor run" in page.text
    assert "– not watched" in page.text  # noqa: RUF001
    day = Page(tmp_path / "site" / bucket_page("cells", "", FIRST + DAY))
    assert "No monitor has judged this bucket" in day.text
    assert "target, 30 values" in day.text


def test_a_day_shows_pictures_where_profiles_keep_some(store: Store, tmp_path: Path) -> None:
    for day, level in enumerate((60, 60, 200)):
        profile = Profile(exemplars=1)
        noise = np.random.default_rng(day).integers(0, 20, (30, 8, 8, 3))
        profile.track_many(map(Image.fromarray, (noise + level).astype(np.uint8)))
        store.put("cells", profile, at=FIRST + day * DAY, writer="w")
    shown = Shown(store, days("ooA", feature="image.Brightness.mean"))
    shown.build(tmp_path / "site")
    page = Page(tmp_path / "site" / bucket_page("cells", "", FIRST + 2 * DAY))
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert images
    assert all(str(image["src"]).startswith("data:image/jpeg;base64,") for image in images)
    assert "Target, highest " in page.text


def test_on_the_command_line(store: Store, tmp_path: Path) -> None:
    """What `monitor run` finds is what the site shows."""
    fill(store, "cells", 20, bad=19)
    config = tmp_path / "monitors.toml"
    config.write_text('[[monitor]]\nname = "drift"\ndataset = "cells"\ntype = "drift"\n')
    assert lightmeter("monitor", "run", config, "--store", store.path).returncode == 3
    for written in ("25", "0"):
        done = lightmeter("dashboard", "--store", store.path, "-o", tmp_path / "site")
        assert done.returncode == 0, done.stderr
        assert f"{tmp_path}/site/index.html: 25 pages, {written} of them" in done.stdout
    text = Page(tmp_path / "site/index.html").text
    assert re.search(r"Anomalies 2022-09-20 cells .* by drift; 3 features; lasts", text)
    assert " 2022-09-0" not in text.split("Anomalies")[1]
    done = lightmeter("dashboard", "--store", store.path, "-o", tmp_path)
    assert done.returncode == 1
    assert "holds files, but no dashboard; choose an empty folder" in done.stderr


# --- on request -------------------------------------------------------------------------------


def all_seen(_: str) -> bool:
    return True


def test_pages_on_request_are_those_of_the_static_site(store: Store, tmp_path: Path) -> None:
    fill(store, HOSTILE[1], 2, segment={HOSTILE[0]: "../../x"})
    fill(store, "cells", 7, bad=6)
    fill(store, "cells", 7, segment={"camera": "left"})
    results = days("oo.EooA", feature="saturation") + days("ooooooA", feature="brightness")
    results += days("oAooooo", feature="entropy", segment={"camera": "left"})
    results += days("oA", dataset=HOSTILE[1], segment={HOSTILE[0]: "../../x"}, feature="entropy")
    save_results(store, results)
    Shown(store, load_results(store)).build(tmp_path / "site")
    asked = AskedPages(store)
    files = html_files(tmp_path / "site")
    assert len(files) == 25
    for file in files:
        path = file.relative_to(tmp_path / "site").as_posix()
        page = asked.page(path, sees=all_seen, extras=Extras())
        assert page == file.read_bytes(), path
    for path in (
        "x.html",
        "cells/index.html",
        f"{dataset_page('cells')}/index.html",
        "../index.html",
    ):
        assert asked.page(path, sees=all_seen, extras=Extras()) is None


def test_a_page_is_made_again_only_when_it_changes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, made = cells(store), list[str]()
    save_results(store, shown.results)
    for module, name in ((asked_module, "index_html"), (place_module, "dataset_html")):
        make = getattr(module, name)
        counted = lambda *given, name=name, make=make: made.append(name) or make(*given)  # noqa: E731
        monkeypatch.setattr(module, name, counted)
    compare = place_module.compare_views
    counting = lambda **given: made.append("bucket") or compare(**given)  # noqa: E731
    monkeypatch.setattr(place_module, "compare_views", counting)
    asked = AskedPages(store)
    paths = "index.html", dataset_page("cells"), bucket_page("cells", "", FIRST + 8 * DAY)

    def look() -> list[str]:
        made.clear()
        for path in paths:
            assert asked.page(path, sees=all_seen, extras=Extras())
        return made.copy()

    everything = ["index_html", "dataset_html", "bucket"]
    assert [look(), look()] == [everything, []]
    store.put("cells", profile(99), at=FIRST + 9 * DAY, writer="w")
    assert look() == everything[:2]
    store.put("cells", profile(98), at=FIRST + 8 * DAY, writer="w")
    assert look() == everything
    store.state.accept(Accepted("cells", "*", "*", FIRST, "known", FIRST))
    assert look() == everything[:2]
    save_results(store, days("oooooooooo", feature="saturation"))
    assert look() == everything


def test_who_does_not_see_a_dataset_sees_nothing_of_it(store: Store) -> None:
    """Neither as a page, nor in a list, nor as the baseline of another one."""
    fill(store, "cells", 7)
    fill(store, "secret", 7)
    hidden = {"metric": "ks", "above": 0.9, "baseline": {"dataset": "secret"}}
    update_results(store, [monitor(name="drift", **hidden)])
    asked = AskedPages(store)

    def page(path: str, sees: Any = lambda dataset: dataset == "cells") -> str:
        return (asked.page(path, sees=sees, extras=Extras()) or b"").decode()

    bucket = bucket_page("cells", "", FIRST + 3 * DAY)
    assert "baseline of drift: secret" in page(bucket, all_seen)
    asked = AskedPages(store)
    assert "baseline: the 3 buckets before" in page(bucket)
    for path in ("index.html", dataset_page("cells"), bucket):
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
