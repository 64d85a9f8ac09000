"""The command line as a user runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lightmeter import ProfileView, profile_images
from PIL import Image

pytest.importorskip("typer")
pytest.importorskip("rich")


def lightmeter(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lightmeter", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
    )


def test_profile_prints_a_table_and_writes_a_file(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_text("no picture")
    out = tmp_path / "out.lmp"
    result = lightmeter("profile", folder, "-o", out, "--workers", 2)
    assert result.returncode == 0, result.stderr
    assert "8 images measured, 1 file failed" in result.stdout
    for name in profile_images(folder).get_columns():
        assert name in result.stdout
    assert "\u2026" not in result.stdout  # nothing is cut at 80 columns
    assert "unsupported (1)" in result.stdout
    assert ProfileView.read(out) == profile_images(folder)


def test_json_is_complete(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.lmp"
    printed = json.loads(lightmeter("profile", folder, "-o", out, "--json").stdout)
    assert printed["images"] == 8
    assert printed == json.loads(lightmeter("show", out, "--json").stdout)
    view = ProfileView.read(out)
    assert printed["features"].keys() == view.get_columns().keys()
    mean = view.get_column("image.Hue.mean").to_summary_dict()["distribution/mean"]
    assert printed["features"]["image.Hue.mean"]["distribution/mean"] == mean
    colours = printed["features"]["image.Colorspace"]["frequent_items/frequent_strings"]
    assert colours[0] == {"value": "RGB", "est": 7, "upper": 7, "lower": 7}


def test_merge(folder: Path, tmp_path: Path) -> None:
    for name, part in (("a", folder / "more"), ("b", folder / "0.jpg")):
        lightmeter("profile", part, "-o", tmp_path / name)
    result = lightmeter("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "c")
    assert result.returncode == 0
    assert "3 images measured" in result.stdout
    assert ProfileView.read(tmp_path / "c").images == 3


def test_exit_codes(tmp_path: Path) -> None:
    assert lightmeter("profile").returncode == 2
    assert lightmeter("nonsense").returncode == 2
    assert lightmeter("profile", tmp_path, "--workers", 0).returncode == 2
    empty = lightmeter("profile", tmp_path)
    assert (empty.returncode, empty.stderr) == (1, "lightmeter: no image could be measured\n")
    missing = lightmeter("profile", tmp_path / "none")
    assert missing.returncode == 1
    assert "vanished" in missing.stdout
    (tmp_path / "damaged.lmp").write_bytes(b"LMP")
    for file in ("damaged.lmp", "none.lmp"):
        result = lightmeter("show", tmp_path / file)
        assert result.returncode == 1
        assert result.stderr.startswith("lightmeter: ")
        assert result.stderr.count("\n") == 1
    assert lightmeter("--version").stdout.startswith("lightmeter ")


def test_exif_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[271] = "\x1b[31mred[bold]\r\n"
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg", exif=exif)
    result = lightmeter("profile", tmp_path)
    assert "\x1b" not in result.stdout
    assert "[31mred[bold]" in result.stdout


def test_ctrl_c_leaves_no_file(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.effect_noise((1500, 1500), 50).save(photos / "first.png", compress_level=1)
    for index in range(3000):
        os.link(photos / "first.png", photos / f"{index}.png")
    out = tmp_path / "out.lmp"
    process = subprocess.Popen(
        [sys.executable, "-m", "lightmeter", "profile", str(photos), "-o", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_without_its_packages_the_command_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['typer'] = None; "
        "from lightmeter.__main__ import main; sys.exit(main())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "pip install 'lightmeter[cli]'" in result.stderr
