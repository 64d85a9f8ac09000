"""The command line as a user runs it."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import commands
from conftest import encoded, lightmeter, lightmeter_without, run_program
from lightmeter import ProfileView, log, log_image, measure, profile_images
from lightmeter.cli import app
from lightmeter.image.exif import KNOWN
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.profile.view import plain_summary
from PIL import Image


def test_exit_codes(tmp_path: Path) -> None:
    assert lightmeter("profile").returncode == 2
    assert lightmeter("profile", tmp_path, "--workers", 0).returncode == 2
    empty = lightmeter("profile", tmp_path)
    words = f"lightmeter: no image was measured: there is none in '{tmp_path}'\n"
    assert (empty.returncode, empty.stderr) == (1, words)
    (tmp_path / "damaged.lmp").write_bytes(b"LMP")
    for file in ("damaged.lmp", "none.lmp"):
        result = lightmeter("show", tmp_path / file)
        assert result.returncode == 1
        assert result.stderr.startswith("lightmeter: ")
        assert result.stderr.count("\n") == 1
    assert re.match(r"lightmeter \d", lightmeter("--version").stdout)


def test_the_list_of_commands_says_what_their_help_says() -> None:
    helps = dict(commands())
    for name in app._MODULES:
        listed = app._help_of(name).split("\n\n")[0]
        assert helps[f"lightmeter {name}"].help.startswith(" ".join(listed.split())), name


def test_only_the_program_installs_completion() -> None:
    for command, has in (((), True), (("monitor",), False), (("serve",), False)):
        assert ("--install-completion" in lightmeter(*command, "--help").stdout) == has


def run(*command: object, **how: Any) -> "subprocess.CompletedProcess[bytes]":
    """A process of its own."""
    words = [sys.executable, "-m", "lightmeter", *map(str, command)]
    return subprocess.run(words, stderr=subprocess.PIPE, check=False, **how)


def test_a_reader_that_has_seen_enough(folder: Path) -> None:
    """As SIGPIPE ends other programs: in silence."""
    reader, writer = os.pipe()
    os.close(reader)
    said = run("profile", folder, "--format", "json", stdout=writer)
    os.close(writer)
    assert (said.returncode, said.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_told() -> None:
    with open("/dev/full", "wb") as full:
        said = run("--version", stdout=full)
    assert (said.returncode, said.stderr.count(b"\n")) == (1, 1)
    assert said.stderr.startswith(b"lightmeter: [Errno")


def test_no_name_of_a_dataset_or_alert_writes_to_the_terminal(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(
        '[[alert]]\nname = "x[31m\\u202e"\nto = "command"\ncommand = ["true"]\n'
        '[[alert]]\nname = "y[31m\\u202e"\nto = "command"\ncommand = ["false"]\n'
    )
    for said in (
        lightmeter("log", folder, "--dataset", "x[31m\u202e", "--store", tmp_path / "drift.db"),
        lightmeter("monitor", "test-alerts", config),
    ):
        told = said.stdout + said.stderr
        assert "[31m" in told
        assert all(char.isprintable() or char == "\n" for char in told)


def test_without_its_packages_the_command_says_what_to_install() -> None:
    result = lightmeter_without(["typer"])
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "pip install 'lightmeter[cli]'" in result.stderr


def test_a_missing_package_has_one_exit_code(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("fsspec", "psycopg", "pyarrow"):
        monkeypatch.setitem(sys.modules, module, None)
    (table := tmp_path / "a.parquet").write_bytes(b"PAR1")
    log = ["log", "--dataset", "a", "--store"]
    for extra, command in (
        ("cloud", ["profile", "s3://bucket/drift/"]),
        ("postgres", [*log, "postgresql://nobody@localhost/a", folder]),
        ("parquet", [*log, tmp_path / "a.db", table, "--segment", "camera=column:camera"]),
        ("parquet", ["drift", "--reference", table, "--target", folder]),
    ):
        said = lightmeter(*command)
        assert (said.returncode, said.stderr.count("\n")) == (2, 1), said.stderr
        assert f"pip install 'lightmeter[{extra}]'" in said.stderr


def test_a_python_that_was_built_without_compressions(folder: Path) -> None:
    said = lightmeter_without(["bz2", "_bz2", "lzma", "_lzma"], "profile", folder)
    assert (said.returncode, said.stderr) == (0, "")


def test_a_wrong_environment_is_told_in_one_line() -> None:
    result = run("show", "none.lmp", env={**os.environ, "LIGHTMETER_KERNELS": "\udcff"})
    assert (result.returncode, result.stderr.count(b"\n")) == (2, 1)
    told = rb"lightmeter: LIGHTMETER_KERNELS: no kernel tier '\udcff' on this machine; available "
    assert result.stderr.startswith(told)
    assert b"unset it" in result.stderr


@pytest.mark.parametrize("module", ["typer", "numpy", "lightmeter.cli"])
def test_an_interrupt_while_it_starts(module: str) -> None:
    code = (
        "import runpy, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(name, *_):\n"
        f"        if name == {module!r}: signal.raise_signal(signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.meta_path.insert(0, Finder)\n"
        "sys.argv = ['lightmeter', 'show', 'none.lmp']\n"
        "runpy.run_module('lightmeter', run_name='__main__')\n"
    )
    said = run_program("-c", code)
    assert (said.returncode, said.stderr) == (130, "lightmeter: interrupted\n")


# `lightmeter measure` as a user runs it.


def test_rows_are_printed_as_json_lines_and_a_file_holds_each(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_text("no picture")
    result = lightmeter("measure", folder, "--workers", 2)
    assert result.returncode == 0, result.stderr
    assert [json.loads(line) for line in result.stdout.splitlines()] == list(measure(folder))
    out = tmp_path / "rows.csv"
    result = lightmeter("measure", folder, "-o", out, "--exif")
    told = f"lightmeter: 1 file failed as unsupported: '{folder}/bad.png'\n"
    assert (result.returncode, result.stderr) == (0, told)
    assert result.stdout == "8 images measured, 1 file failed\n"
    assert out.read_bytes().count(b"bad.png") >= 1
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [out.name]


def test_a_file_and_a_table_at_once_and_of_equals_the_first(tmp_path: Path) -> None:
    for name in ("b", "a", "\x1b[31mc"):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{name}.png")
    out = tmp_path / "rows.jsonl"
    result = lightmeter("measure", tmp_path, "-o", out, "--sort", "FileSize", "--worst", 1)
    row = json.loads(out.read_text(encoding="ascii").splitlines()[0])
    assert result.stdout.splitlines()[1].split()[0] == str(row["image.FileSize"])
    assert result.stdout.splitlines()[1].endswith("\\u001b[31mc.png")
    assert "\x1b" not in result.stdout
    assert len(out.read_text().splitlines()) == 3


def test_a_contact_sheet(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "sheet.html"
    (folder / "bad.png").write_text("no picture")
    result = lightmeter("measure", folder, "--sort", "ENTROPY", "--worst", 3, "--html", page)
    assert result.returncode == 0, result.stderr
    rows = sorted(measure(folder), key=lambda row: row.get("image.entropy", math.inf))
    heading, *lines, saved, tally = result.stdout.splitlines()
    assert (heading.split(), saved) == (["image.entropy", "path"], f"{page}: written")
    assert tally == "8 images measured, 3 of them listed, 1 file failed"
    assert [line.split(maxsplit=1)[1] for line in lines] == [row["path"] for row in rows[:3]]
    text = page.read_text(encoding="utf-8")
    assert re.findall('alt="thumbnail of ([^"]*)"', text) == [row["path"] for row in rows[:3]]
    assert "1 file failed" in text
    highest = lightmeter("measure", folder, "--sort", "entropy", "--worst", 1, "--highest")
    assert highest.stdout.splitlines()[1].split(maxsplit=1)[1] == rows[-2]["path"]
    nowhere = tmp_path / "nowhere/sheet.html"
    assert lightmeter("measure", folder, "--sort", "entropy", "--html", nowhere).returncode == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sort", "sharpnes"], "did you mean Sharpness"),
        (["--highest"], "without --sort"),
        (["-o", "rows.xlsx"], ".parquet"),
    ],
)
def test_wrong_usage(folder: Path, options: list[str], words: str) -> None:
    result = lightmeter("measure", folder, *options)
    assert result.returncode == 2
    assert not result.stdout
    assert words in " ".join(result.stderr.replace("│", " ").split())


def test_what_cannot_be_measured_or_written_is_an_error(folder: Path, tmp_path: Path) -> None:
    assert lightmeter("measure", tmp_path / "nowhere").returncode == 1
    assert lightmeter("measure", folder, "-o", tmp_path / "nowhere/rows.csv").returncode == 1
    (tmp_path / "bad.png").write_text("no picture")
    result = lightmeter("measure", tmp_path / "bad.png")
    assert result.returncode == 1
    assert json.loads(result.stdout)["failure"] == "unsupported"
    assert result.stderr.splitlines()[1:] == ["lightmeter: no image was measured"]
    assert lightmeter("measure", folder, "--max-pixels", 3071).returncode == 1


def test_every_option_of_reading_is_one_of_the_command_line(tmp_path: Path) -> None:
    samples = np.arange(0, 4096, 16, dtype=np.uint16).reshape(16, 16)
    Image.fromarray(samples).save(tmp_path / "a.png")
    result = lightmeter("profile", tmp_path, "--value-range", "0,4095", "--format", "json")
    shown = json.loads(result.stdout)
    assert shown["readings"] == {"image": {'{"samples":"integer","value_range":[0.0,4095.0]}': 1}}
    mean = shown["features"]["image.Brightness.mean"]["distribution/mean"]
    assert mean == pytest.approx(samples.mean() / 4095 * 255)
    for option, wrong in (("value-range", "1"), ("value-range", "9,1"), ("channels", "GRB")):
        result = lightmeter("measure", tmp_path, f"--{option}", wrong)
        assert result.returncode == 2
        assert option.replace("-", "") in result.stderr.replace("_", "").replace("-", "")


def test_a_side_is_read_as_its_reference(tmp_path: Path) -> None:
    for side in ("good", "new"):
        (tmp_path / side).mkdir()
        for seed in range(60):
            samples = np.random.default_rng(seed).integers(0, 4096, (16, 16)).astype(np.uint16)
            Image.fromarray(samples).save(tmp_path / side / f"{seed}.png")
    good, new, file = tmp_path / "good", tmp_path / "new", tmp_path / "good.lmp"
    lightmeter("profile", good, "--value-range", "0,4095", "--sample", 256, "-o", file)
    sides = ("--reference", file, "--target", new)
    assert "differently" not in (same := lightmeter("drift", *sides, "--fail-on", "drift")).stdout
    assert same.returncode == 0
    assert lightmeter("check", new, "--reference", file).returncode == 0
    wrong = ("--value-range", "0,65535")
    assert lightmeter("drift", *sides, *wrong).stdout.startswith("The images were read diff")
    said = lightmeter("check", new, "--reference", file, *wrong).stderr
    assert "read differently: value_range" in said


# `lightmeter explain`


def explained(*names: str) -> dict[str, dict[str, str]]:
    """What is printed of each feature."""
    blocks = re.findall(r"(?m)^(\S.*)\n((?:  .*\n)+)", lightmeter("explain", *names).stdout)
    return {name: dict(re.findall(r"  (\w+): (.*)", lines)) for name, lines in blocks}


def test_every_feature_of_a_picture_is_explained() -> None:
    view = log_image([encoded("JPEG"), encoded("PNG"), b"no picture"], metrics="all").view()
    more = ("image.Make:missing", "image:joint")
    facts = explained(*view, *KNOWN, *more)
    assert facts.keys() >= {*view, *more, *(f"image.{name}" for name in KNOWN)}
    for name, column in view.items():
        assert (facts[name]["compared"] == "yes") == (not column.meaning.untested), name
    for number in IMAGE_NUMBERS.values():
        assert facts[f"image.{number.name}"]["is"] == number.says
        assert facts[f"image.{number.name}"]["metrics"].split(", ")[0] == number.set
    assert "--exif-allow" in facts["image.Artist"]["is"]
    assert facts["image.DateTime"]["compared"].startswith("no: dates")
    assert "--exif-allow" not in facts["image.Make"]["is"]


def test_words_of_a_report_are_explained_and_misspelt_ones_get_the_nearest_names() -> None:
    result = lightmeter("explain", "image.Sharpnes", "contrast", "SATURATION", "file size")
    assert result.returncode == 2
    assert "no feature 'image.Sharpnes'; did you mean sharpness" in result.stderr
    found = ["Luma.stddev", "Contrast", "Saturation.mean", "Saturation", "FileSize"]
    assert re.findall("^image[.](.*)", result.stdout, re.MULTILINE) == found


def test_features_of_bands_and_of_what_readers_find() -> None:
    facts = explained("image.B2.mean", "image.B2.glare_percent", "image.Red.mean", "dicom.Modality")
    assert facts["image.B2.mean"]["is"] == "of the band B2 as a gray image: the mean"
    assert facts["image.B2.mean"]["unit"] == facts["image.Red.mean"]["unit"] == "8-bit steps"
    assert "green" not in facts["image.B2.glare_percent"]["is"]
    assert "read=readers.dicom" in facts["image.dicom.Modality"]["is"]
    assert lightmeter("explain", "image.B02.Colourfulness").returncode == 2


# `lightmeter profile`, `show` and `merge` as a user runs them.


def test_profile_prints_a_table_and_writes_a_file(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_text("no picture")
    out = tmp_path / "out.lmp"
    short = lightmeter("profile", folder)
    assert "image: 45 features, with means such as Brightness.mean 1" in short.stdout
    assert "Exif" not in short.stdout
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
    assert printed == json.loads(json.dumps(plain_summary(ProfileView.read(out))))


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


def test_terminals_without_unicode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log(row={"caf\u00e9 \u2603": 1.0}).view().write(tmp_path / "a.lmp")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert r"caf\xe9 \u2603" in run_program("-m", "lightmeter", "show", tmp_path / "a.lmp").stdout


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
