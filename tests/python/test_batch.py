"""profile_images: the same bytes for any number of workers, and no file that stops it."""

import os
from pathlib import Path

import pytest
from conftest import picture
from lightmeter import ProfileView, log_image, profile_images
from PIL import Image


def failures(view: ProfileView) -> dict[str, int]:
    summary = view.get_column("image.Failure").to_summary_dict()
    items = summary.get("frequent_items/frequent_strings", [])
    return {item.value: item.est for item in items}


def test_a_folder_is_the_same_as_its_images_one_by_one(folder: Path) -> None:
    files = sorted(folder.rglob("*.*"))
    assert len(files) == 8
    view = profile_images(folder)
    assert view.images == 8
    assert view == log_image(files).view()
    assert failures(view) == {}


def test_workers_do_not_change_the_bytes(tmp_path: Path) -> None:
    for seed in range(150):
        picture(12, 10, seed=seed).save(tmp_path / f"{seed}.png")
    (tmp_path / "bad.png").write_bytes(b"junk")
    views = {workers: profile_images(tmp_path, workers=workers) for workers in (1, 2, 7)}
    assert views[1].images == 150
    assert views[1].to_bytes() == views[2].to_bytes() == views[7].to_bytes()


def test_bad_files_are_counted_by_reason(folder: Path) -> None:
    whole = (folder / "0.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("no picture")
    (folder / "empty.gif").touch()
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(folder / "pipe.jpg")
    view = profile_images(folder)
    assert view.images == 8
    assert failures(view) == {
        "truncated": 1,
        "unsupported": 1,
        "empty": 1,
        "vanished": 1,
        "unreadable": 1,
    }


def test_files_folders_patterns_and_lists(folder: Path) -> None:
    assert profile_images(folder / "0.jpg").images == 1
    assert profile_images(str(folder / "*.jpg")).images == 6
    assert profile_images(f"{folder}/**/*.png").images == 2
    assert profile_images([folder / "more", folder / "0.jpg"]).images == 3
    assert profile_images([folder, folder / "0.jpg"]).images == 8
    assert profile_images(folder, prefix="camera").get_column("camera.Hue.mean")


def test_a_path_that_is_not_there(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        profile_images(folder / "none")
    view = profile_images([folder, folder / "none.jpg"])
    assert (view.images, failures(view)) == (8, {"vanished": 1})


def test_an_empty_folder_has_an_empty_profile(tmp_path: Path) -> None:
    assert profile_images(tmp_path).images == 0


def test_progress_counts_every_file(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    profile_images(folder, workers=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 8) for done in range(1, 9)]


def test_an_interrupt_stops_the_workers(tmp_path: Path) -> None:
    for seed in range(200):
        Image.new("L", (4, 4), seed).save(tmp_path / f"{seed}.png")
    seen = []

    def interrupt(done: int, total: int) -> None:
        seen.append(done)
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        profile_images(tmp_path, workers=2, progress=interrupt)
    assert len(seen) < 200


def test_workers_below_one(folder: Path) -> None:
    with pytest.raises(ValueError, match="workers is 0"):
        profile_images(folder, workers=0)
