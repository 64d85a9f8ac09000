"""The founding article's code with only its imports changed."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import picture
from lightmeter import log_image
from PIL import Image


def test_profile_a_single_image_and_view_it_as_a_dataframe(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    picture().save(tmp_path / "image.jpg")
    # read in image
    img = Image.open(tmp_path / "image.jpg")
    # profile image
    profile = log_image(img).profile()
    # generate profile view
    profile_view = profile.view()
    # view profile as dataframe
    frame = profile_view.to_pandas().T
    assert frame.columns.name == "column"
    assert frame.loc["counts/n", "image.Hue.mean"] == 1


def test_merge_each_profile_while_looping(folder: Path) -> None:
    training_path = folder / "more"
    # initialize reference_profile
    reference_profile = None
    # loop over each image in training folder
    for filename in os.listdir(training_path):
        file_path = os.path.join(training_path, filename)
        img = Image.open(file_path)
        profile = log_image(img).profile()
        profile_view = profile.view()
        # merge each profile while looping
        if reference_profile is None:
            reference_profile = profile_view
        else:
            reference_profile = reference_profile.merge(profile_view)
    assert reference_profile is not None
    assert reference_profile.get_column("image.Brightness.mean").to_summary_dict()["counts/n"] == 2
    assert reference_profile == log_image(sorted((folder / "more").iterdir())).view()


def test_set_profile_timestamp() -> None:
    profile = log_image(picture()).profile()
    # optionally set profile timestamp
    profile.set_dataset_timestamp(datetime(2022, 9, 7, tzinfo=UTC))
    profile_view = profile.view()
    assert profile_view.dataset_timestamp == datetime(2022, 9, 7, tzinfo=UTC)
