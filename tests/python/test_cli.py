"""The command line as a user runs it."""

import base64
import html
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import lightmeter
from lightmeter import ProfileView, compare, log, profile_images
from PIL import Image

pytest.importorskip("typer")
pytest.importorskip("rich")


def test_profile_prints_a_table_and_writes_a_file(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.png").write_text("no picture")
    out = tmp_path / "out.lmp"
    result = lightmeter("profile", folder, "-o", out, "--workers", 2)
    assert result.returncode == 0, result.stderr
    assert "8 images measured, 1 file failed\nfailed: unsupported 1\n" in result.stdout
    assert "  bad.png: unsupported, no format that is read here" in result.stdout
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


def test_failures_are_written_in_full(folder: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(b"caf\xe9\n\x1b.png")
    for name in ["a.png", odd, *(f"z{index:03}.png" for index in range(150))]:
        (folder / name).touch()
    out = tmp_path / "failures.jsonl"
    result = lightmeter("profile", folder, "--failures", out)
    assert result.returncode == 0, result.stderr
    assert "152 files failed" in result.stdout
    assert "\x1b" not in result.stdout
    lines = out.read_bytes().decode("ascii").splitlines()
    failures = [json.loads(line) for line in lines]
    assert len(failures) == 152
    assert failures[0] == {
        "path": str(folder / "a.png"),
        "reason": "empty",
        "detail": "no bytes",
    }
    assert os.fsdecode(base64.b64decode(failures[1]["path_base64"])) == str(folder / odd)
    printed = json.loads(lightmeter("profile", folder, "--json").stdout)
    assert len(printed["failures"]) == 100
    assert printed["failures"][0]["path"] == "a.png"


def test_limits_on_the_command_line(folder: Path) -> None:
    for option in (["--max-pixels", 3071], ["--max-bytes", 10], ["--max-seconds", 0.001]):
        printed = json.loads(lightmeter("profile", folder, *option, "--json").stdout)
        reasons = {failure["reason"] for failure in printed["failures"]}
        assert reasons <= {"too_large"}
        assert printed["images"] == 0 or option[0] == "--max-seconds"
    assert lightmeter("profile", folder, "--max-pixels", 0).returncode == 2


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


def test_the_output_is_looked_at_first(folder: Path, tmp_path: Path) -> None:
    for command in (
        ("profile", folder, "-o", tmp_path / "missing" / "a.lmp"),
        ("profile", folder, "-o", ""),
        ("drift", "--reference", folder, "--target", folder, "--html", tmp_path / "missing" / "a"),
    ):
        said = lightmeter(*command)
        assert said.returncode == 1
        assert said.stdout == ""
        assert said.stderr.startswith("lightmeter: [Errno")


def test_names_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    log(row={"x\x1b[31mred\n\u202e": 1.0}).view().write(tmp_path / "a.lmp")
    said = lightmeter("show", tmp_path / "a.lmp").stdout
    assert "red" in said
    assert all(char.isprintable() or char == "\n" for char in said)
    assert len(said.splitlines()) == 3


HELP = [[], ["log"], ["store"], ["monitor"], ["monitor", "run"]]


@pytest.mark.parametrize("command", HELP)
def test_help_is_not_broken_in_mid_sentence(command: list[str]) -> None:
    """On a wide terminal every paragraph is a line: it ends as a sentence does."""
    said = subprocess.run(
        [sys.executable, "-m", "lightmeter", *command, "--help"],
        env={**os.environ, "COLUMNS": "900", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line.strip(" \u2502") for line in said.stdout.splitlines()]
    for line in filter(None, told):
        assert line.endswith((".", "]", "\u256e", "\u256f")) or line.startswith("Usage"), line


@pytest.mark.parametrize("options", [["--json"], [], ["--version"]])
def test_a_reader_that_has_seen_enough(folder: Path, options: list[str]) -> None:
    """As SIGPIPE ends other programs: in silence."""
    reader, writer = os.pipe()
    os.close(reader)
    arguments = options if options == ["--version"] else ["profile", str(folder), *options]
    said = subprocess.run(
        [sys.executable, "-m", "lightmeter", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (said.returncode, said.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["--version", "--help"])
def test_a_full_disk_is_told(command: str) -> None:
    with open("/dev/full", "wb") as full:
        said = subprocess.run(
            [sys.executable, "-m", "lightmeter", command],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert said.returncode == 1
    assert said.stderr.startswith("lightmeter: [Errno")
    assert said.stderr.count("\n") == 1


def test_names_of_datasets_and_alerts_cannot_write_to_the_terminal(
    folder: Path, tmp_path: Path
) -> None:
    config = tmp_path / "monitors.toml"
    config.write_text(
        '[[alert]]\nname = "x\\u001b[31m\\u202e"\nto = "command"\ncommand = ["true"]\n'
        '[[alert]]\nname = "y\\u001b[31m\\u202e"\nto = "command"\ncommand = ["false"]\n'
    )
    for said in (
        lightmeter("log", folder, "--dataset", "x\x1b[31m\u202e", "--store", tmp_path / "drift.db"),
        lightmeter("monitor", "test-alerts", config),
    ):
        told = said.stdout + said.stderr
        assert "[31m" in told
        assert all(char.isprintable() or char == "\n" for char in told)


def test_narrow_terminals_see_the_names(folder: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "lightmeter", "profile", folder],
        env={**os.environ, "COLUMNS": "30"},
        capture_output=True,
        check=True,
    )
    assert b"image.Brightness.stddev" in said.stdout


def test_terminals_without_unicode(tmp_path: Path) -> None:
    log(row={"caf\u00e9 \u2603": 1.0}).view().write(tmp_path / "a.lmp")
    said = subprocess.run(
        [sys.executable, "-m", "lightmeter", "show", tmp_path / "a.lmp"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert rb"caf\xe9 \u2603" in said.stdout


def test_ctrl_c_leaves_no_file(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.effect_noise((1500, 1500), 50).save(photos / "first.png", compress_level=1)
    for index in range(3000):
        os.link(photos / "first.png", photos / f"{index}.png")
    out = tmp_path / "out.lmp"
    command = [sys.executable, "-m", "lightmeter", "profile", str(photos), "-o", str(out)]
    process = subprocess.Popen(
        [*command, "--workers", "9"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what runs in the background deaf to it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while len(os.listdir(f"/proc/{process.pid}/task")) <= 9 and time.monotonic() < deadline:
        time.sleep(0.02)  # until it measures
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


@pytest.mark.parametrize("module", ["typer", "numpy", "PIL", "sqlite3", "lightmeter.cli"])
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
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (130, "lightmeter: interrupted\n")


def test_drift_of_files_and_folders(folder: Path, tmp_path: Path) -> None:
    lightmeter("profile", folder, "-o", tmp_path / "ref.lmp")
    page_file = tmp_path / "report.html"
    result = lightmeter(
        "drift", "--reference", tmp_path / "ref.lmp", "--target", folder, "--html", page_file
    )
    assert result.returncode == 0, result.stderr
    assert "Not enough data to compare" in result.stdout
    page = page_file.read_text(encoding="utf-8")
    assert str(folder) in page
    assert "8 images" in page


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three profiles: a reference, one with a drift, and one that only may have drifted."""
    root = tmp_path_factory.mktemp("sides")
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, 200)
    for name, moved in (("ref", 0.0), ("far", 2.0), ("near", 0.27)):
        log(columns={"a|b": values + moved, "same": values}).view().write(root / f"{name}.lmp")
    return root


def drift(sides: Path, target: str, *more: str) -> subprocess.CompletedProcess[str]:
    files = ("--reference", sides / "ref.lmp", "--target", sides / f"{target}.lmp")
    return lightmeter("drift", *files, *more)


@pytest.mark.parametrize(
    ("target", "fail_on", "code"),
    [
        ("ref", "possible", 0),
        ("near", "drift", 0),
        ("near", "possible", 3),
        ("far", "drift", 3),
        ("far", "possible", 3),
    ],
)
def test_exit_codes_for_pipelines(sides: Path, target: str, fail_on: str, code: int) -> None:
    assert drift(sides, target, "--fail-on", fail_on).returncode == code
    assert drift(sides, target).returncode == 0
    assert drift(sides, target, "--fail-on", "anything").returncode == 2


def test_findings_in_every_format(sides: Path) -> None:
    text = drift(sides, "far").stdout
    assert "1 of 2 features drifted" in text
    printed = json.loads(drift(sides, "far", "--format", "json").stdout)
    report = compare(
        target=ProfileView.read(sides / "far.lmp"), reference=ProfileView.read(sides / "ref.lmp")
    )
    assert printed == report.to_dict()
    lines = drift(sides, "far", "--format", "markdown").stdout.splitlines()
    assert lines[0] == "### 1 of 2 features drifted"
    assert lines[2].startswith("- **drift**: A\\|b ")
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {7}


# What GitHub makes links of, without any markup; in the text as it is once escapes are read.
BARE = re.compile(r"(?i)\b(?:https?|ftp)://|\bwww\.|[\w.+-]@[\w-]+\.|(?<!&)#\w|@\w")


def test_no_address_becomes_a_link_in_markdown(tmp_path: Path) -> None:
    name = "see HTTPS://evil.example, www.evil.example, a@evil.example, @somebody and #12"
    assert BARE.search(name)
    for side, moved in (("a", 0.0), ("b", 3.0)):
        log(columns={name: np.arange(50) / 9 + moved}).view().write(tmp_path / side)
    sides = ("--reference", tmp_path / "a", "--target", tmp_path / "b")
    said = lightmeter("drift", *sides, "--format", "markdown").stdout
    assert said.count("evil.example") >= 6
    assert not BARE.search(html.unescape(re.sub(r"\\(?=\W)", "", said)).replace("### ", ""))


def test_drift_says_what_is_wrong(sides: Path, tmp_path: Path) -> None:
    (tmp_path / "junk.lmp").write_bytes(b"junk")
    (tmp_path / "empty").mkdir()
    for wrong, said in (
        ("junk.lmp", "not a lightmeter profile"),
        ("empty", "no image could be measured"),
        ("none", "No such file"),
    ):
        result = lightmeter("drift", "--reference", sides / "ref.lmp", "--target", tmp_path / wrong)
        assert result.returncode == 1
        assert said in result.stderr
        assert "Traceback" not in result.stderr


def test_demo(tmp_path: Path) -> None:
    result = lightmeter("demo", tmp_path / "demo")
    assert result.returncode == 0, result.stderr
    assert "Synthetic" in result.stdout
    assert "Saturation stddev fell by" in result.stdout
    assert (tmp_path / "demo" / "report.html").exists()
    again = shlex.split(result.stdout.splitlines()[-1].split(": lightmeter ", 1)[1])
    again[-1] = str(tmp_path / "again.html")
    assert lightmeter(*again, "--fail-on", "drift").returncode == 3


def test_all_frames_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "a.gif"
    first, *rest = (Image.new("RGB", (8, 8), (40 * shade, 0, 0)) for shade in range(3))
    first.save(file, save_all=True, append_images=rest)
    for options, images in ([], 1), (["--frames", "all"], 3):
        found = lightmeter("profile", str(file), "--json", *options)
        assert json.loads(found.stdout)["images"] == images
    assert lightmeter("profile", str(file), "--frames", "all", "--max-frames", "2").returncode == 1
