"""`lightmeter profile`, `show` and `merge` as a user runs them."""

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import lightmeter
from lightmeter import ProfileView, log, profile_images
from lightmeter.profile.view import plain_summary
from PIL import Image


def test_profile_prints_a_table_and_writes_a_file(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_text("no picture")
    out = tmp_path / "out.lmp"
    short = lightmeter("profile", folder)
    assert short.stdout.splitlines()[3].startswith("image: 45 features, such as Brightness.mean ")
    assert short.stdout.splitlines()[4].startswith("Exif: 1 feature: has_gps ")
    result = lightmeter("profile", folder, "-o", out, "--workers", 2, "--all")
    assert result.returncode == 0, result.stderr
    assert "8 images measured, 1 file failed\nfailed: unsupported 1\n" in result.stdout
    assert "  bad.png: unsupported, no format that is read here" in result.stdout
    assert set(profile_images(folder)) <= set(result.stdout.split())  # none is cut at 80 columns
    assert "unsupported (1)" in result.stdout
    assert ProfileView.read(out) == profile_images(folder)


def test_json_is_complete(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.lmp"
    printed = json.loads(lightmeter("profile", folder, "-o", out, "--format", "json").stdout)
    assert printed["images"] == 8
    assert printed == json.loads(lightmeter("show", out, "--format", "json").stdout)
    view = ProfileView.read(out)
    assert printed == json.loads(json.dumps(plain_summary(view)))


def test_names_of_failures_are_told_as_they_can_be_shown(folder: Path) -> None:
    odd = os.fsdecode(b"caf\xe9\n\x1b.png")
    for name in ["a.png", odd, *(f"z{index:03}.png" for index in range(150))]:
        (folder / name).touch()
    result = lightmeter("profile", folder)
    assert "152 files failed" in result.stdout
    assert "\x1b" not in result.stdout + result.stderr
    printed = json.loads(lightmeter("profile", folder, "--format", "json").stdout)
    assert len(printed["failures"]) == 100
    assert printed["failures"][0]["path"] == "a.png"


def test_merge(folder: Path, tmp_path: Path) -> None:
    for name, part in (("a", folder / "more"), ("b", folder / "0.jpg")):
        lightmeter("profile", part, "-o", tmp_path / name)
    result = lightmeter("merge", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "c")
    assert result.returncode == 0
    assert "3 images measured" in result.stdout
    assert ProfileView.read(tmp_path / "c").images == 3


def test_terminals_without_unicode(tmp_path: Path) -> None:
    log(row={"caf\u00e9 \u2603": 1.0}).view().write(tmp_path / "a.lmp")
    command = [sys.executable, "-m", "lightmeter", "show", tmp_path / "a.lmp"]
    said = subprocess.check_output(command, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert rb"caf\xe9 \u2603" in said


def test_names_and_exif_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    log(row={"x\x1b[31mred\n\u202e": 1.0}).view().write(tmp_path / "a.lmp")
    exif = Image.Exif()
    exif[271] = "\x1b[31mred[bold]\r\n"
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg", exif=exif)
    for command in (("show", "a.lmp"), ("profile", "a.jpg", "--all"), ("exif", "a.jpg")):
        said = lightmeter(command[0], tmp_path / command[1], *command[2:]).stdout
        assert "[31mred" in said
        assert all(char.isprintable() or char == "\n" for char in said)
    nowhere = tmp_path / "nowhere.jpg"
    assert f"'{nowhere}': No such file" in lightmeter("exif", nowhere).stderr
