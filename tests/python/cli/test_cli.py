"""The command line as a user runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import commands
from conftest import lightmeter, lightmeter_without, run_program
from lightmeter.cli import app


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


def test_a_missing_package_has_one_exit_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    log = ["log", folder, "--dataset", "a", "--store", "postgresql://nobody@localhost/a"]
    for extra, command in (("cloud", ["profile", "s3://bucket/drift/"]), ("postgres", log)):
        said = lightmeter(*command)
        assert (said.returncode, said.stderr.count("\n")) == (2, 1)
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
