"""Tags: what somebody says of a profile."""

import json
import pickle
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter
from PIL import Image

TAGS = {"model": "v7", "site": "north"}
SAID = {"model": ["v7"], "site": ["north"]}


def test_every_door_of_profiles_takes_tags(folder: Path, tmp_path: Path) -> None:
    table = {"camera": ["a", "b"], "x": [1, 2]}
    profile = lm.Profile(tags=TAGS)
    by_name = lm.profile_images(folder, segment_by={"name": "path:(.)[.]jpg"}, tags=TAGS)
    segments = [lm.log(columns=table, segment_by="camera", tags=TAGS), by_name]
    with lm.Store(tmp_path / "drift.db") as store:
        (logged,) = lm.log_folder(store, folder, "cells", tags=TAGS).profiles.values()
        with lm.logger(store, "live", every="1h", tags=TAGS) as log:
            log.track(np.zeros((4, 4), np.uint8))
        views = [
            profile.view(),
            pickle.loads(pickle.dumps(profile)).view(),
            lm.log(row={"x": 1}, tags=TAGS).view(),
            lm.log(table=lm.measure(folder), roles="image", tags=TAGS).view(),
            lm.log_image(folder / "1.jpg", tags=TAGS).view(),
            logged,
            store.read("live"),
            store.read("cells"),
            *(view for parts in segments for view in (parts.whole, *parts.values())),
        ]
    for view in views:
        assert view.tags == SAID
        assert lm.ProfileView.from_bytes(view.to_bytes()).tags == SAID


def test_tags_on_the_command_line(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    result = lightmeter("profile", tmp_path, "--tag", "model=v7", "--format", "json")
    assert json.loads(result.stdout)["tags"] == {"model": ["v7"]}
    logging = ("log", tmp_path, "--dataset", "d", "--store", tmp_path / "drift.db")
    assert lightmeter(*logging, "--tag", "model=v7", "--tag", "a=b").returncode == 0
    for wrong in (["--tag", "model"], ["--tag", "a=1", "--tag", "a=2"], ["--tag", "a="]):
        assert lightmeter("profile", tmp_path, *wrong).returncode == 2


@pytest.mark.parametrize(
    "tags",
    [
        *("model=v7", {"model": 7}, {7: "model"}),  # of another type
        *({"": "v7"}, {"model": "a\nb"}, {"model": "\udc80"}, {"m" * 65: "v7"}),
        *({"model": "v" * 129}, {str(n): "v7" for n in range(65)}),
    ],
)
def test_wrong_tags(tags: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="tag"):
        lm.Profile(tags=tags)
