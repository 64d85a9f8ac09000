"""Tags of profiles, by which a store is read in part."""

import json
from copy import copy
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import lightmeter
from lightmeter import Store
from lightmeter.store.copying import copy_store
from stores import view
from weather import Weather

DAY = date(2022, 9, 7)
NOW = datetime(2022, 10, 1, tzinfo=UTC)
ODD = {"a=b": "c&d", "ö": "100 %"}


def fill(store: Store) -> None:
    """Two versions of a model, and what nobody said anything of, in two hours of one day."""
    for hour in (1, 2):
        at = datetime(2022, 9, 7, hour, tzinfo=UTC)
        for writer, profile in {
            "plain": view(1),
            "old": view(2, model="v7"),
            "new": view(4, model="v8"),
            "here": view(8, model="v8", site="hall", **ODD),
        }.items():
            store.put("cells", profile, at=at, writer=writer, every="1h")


@pytest.mark.parametrize(
    ("tags", "images"),
    [
        ({}, 30), ({"model": "v7"}, 4), ({"model": "V7"}, 0), ({"model": "v"}, 0),
        ({"model": "v8"}, 24), ({"model": "v8", "site": "hall"}, 16), ({"site": "v8"}, 0),
        (ODD, 16), ({"a": "b=c&d"}, 0), ({"model": "%"}, 0),
    ],
)  # fmt: skip
def test_profiles_with_all_of_some_tags_are_read(
    sql_store: Store, tags: dict[str, str], images: int
) -> None:
    fill(sql_store)
    before = sql_store.tagged(tags).read("cells")
    for _ in range(2):  # a roll-up changes none of it
        store = sql_store.tagged(tags)
        assert store.read("cells") == before
        assert before.images == sum(bucket.images for bucket in store.buckets("cells")) == images
        assert sum(row.images for row in store.stored("cells")) == images
        assert sum(content.images for _, content in store.load("cells")) == images  # type: ignore[union-attr]
        assert len(store.segments("cells")) == len(store.newest(NOW)) == bool(images)
        assert store.summary()[0].images == images
        assert sql_store.read("cells").images == 30
        sql_store.gc(now=NOW)
    assert sql_store.verify() == []


def test_a_roll_up_keeps_tags_apart(sql_store: Store, tmp_path: Path) -> None:
    many = {f"tag {number}": "x" * 100 for number in range(60)}
    fill(sql_store)
    for hour in (1, 2):
        at = datetime(2022, 9, 7, hour, tzinfo=UTC)
        sql_store.put("cells", view(16, **many), at=at, writer="many")
    assert sql_store.gc(now=NOW) == (10, 0, 0)
    rows = sql_store.stored("cells")
    assert sorted(row.images for row in rows) == [2, 4, 8, 16, 32]
    assert all(row.is_merged and len(row.writer) < 100 for row in rows)
    assert {row.writer for row in rows} > {"", "&model=v7&", "&model=v8&"}
    late = view(1, model="v7"), datetime(2022, 9, 7, 1, tzinfo=UTC)
    assert not sql_store.put("cells", late[0], at=late[1], writer="old", seq=1)
    sql_store.put("cells", late[0], at=late[1], writer="late")
    assert sql_store.gc(now=NOW) == (2, 0, 0)
    assert sql_store.tagged({"model": "v7"}).read("cells").images == 5
    with Store(tmp_path / "copy.db") as other:
        assert copy_store(sql_store, other).left == []
        assert [row._replace(seq=0) for row in other.stored("cells")] == [
            row._replace(seq=0) for row in sql_store.stored("cells")
        ]
        assert other.verify() == []
    assert sql_store.tagged({"model": "v8"}).delete("cells") == 2
    assert sql_store.read("cells").images == 2 + 5 + 32


def test_tags_of_a_store_outlive_its_copy(store: Store) -> None:
    fill(store)
    with copy(store.tagged({"model": "v7"})) as again:
        assert again.tagged({"site": "hall"}).read("cells").images == 0
        assert again.read("cells").images == 4
    assert store.summary()[0].tags == {
        "a=b": ["c&d"], "model": ["v7", "v8"], "site": ["hall"], "ö": ["100 %"]
    }  # fmt: skip
    with pytest.raises(ValueError, match="does not begin with '&'"):
        store.put("cells", view(1), at=DAY, writer="&model=v7&")
    with pytest.raises(TypeError, match="expected a dict"):
        store.tagged("model=v7")  # type: ignore[arg-type]


def test_tags_behind_a_server(store: Store, way: Weather) -> None:
    fill(store)
    with Store(way.url) as far, copy(far.tagged({"model": "v7"})) as v7:
        assert v7.read("cells").images == store.tagged({"model": "v7"}).read("cells").images == 4
        assert v7.segments("cells") == store.tagged({"model": "v7"}).segments("cells")
        assert [bucket.images for bucket in v7.buckets("cells")] == [2, 2]
        assert far.tagged({"model": "v9"}).segments("cells") == []


def test_on_the_command_line(store: Store) -> None:
    fill(store)
    (line,) = json.loads(lightmeter("store", "show", store.path, "--format", "json").stdout)
    assert line["tags"]["model"] == ["v7", "v8"]
    shown = ["store", "show", store.path, "--tag", "model=v8", "--tag", "site=hall"]
    (line,) = json.loads(lightmeter(*shown, "--format", "json").stdout)
    assert (line["images"], line["tags"]["site"]) == (16, ["hall"])
    assert "model v8; site hall" in " ".join(lightmeter(*shown).stdout.split())
    assert lightmeter("store", "show", store.path, "--tag", "model").returncode == 2
    series = ["monitor", "series", "--store", store.path, "--dataset", "cells", "--tag", "model=v7"]
    rows = [json.loads(row) for row in lightmeter(*series).stdout.splitlines()]
    images = {row["bucket"]: row["n"] for row in rows}
    assert sum(images.values()) == store.tagged({"model": "v7"}).read("cells").images


def test_the_server_refuses_what_are_no_tags(served: tuple[Store, Any]) -> None:
    from starlette.testclient import TestClient

    store, app = served
    fill(store)
    client = TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 5))
    for tags in ("model", "=v7", f"model={'x' * 200}", "a=b&a=c", "x" * 2000):
        asked = {"dataset": "cells", "tags": tags}
        assert client.get("/api/v1/buckets", params=asked).status_code == 400
