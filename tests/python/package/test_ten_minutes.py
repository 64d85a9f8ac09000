"""docs/ten-minutes.md, from an empty folder to a dashboard: its commands print what it says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import lightmeter

PAGE = Path(__file__).parents[3] / "docs/ten-minutes.md"
STEP = re.compile(
    r"^    lightmeter (?P<command>.*)$|^```(?P<kind>python|toml|text)\n(?P<block>(?s:.*?))^```",
    re.MULTILINE,
)


def said(text: str) -> list[str]:
    """Lines without their numbers and days, which differ from day to day and machine to machine."""
    return [re.sub(r"[\d.e-]*\d", "N", line).strip() for line in text.splitlines()]


def test_from_an_empty_folder_to_a_watched_camera(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = []
    for step in STEP.finditer(PAGE.read_text(encoding="utf-8")):
        if step["command"]:
            runs.append(lightmeter(*shlex.split(step["command"])))
        elif step["kind"] == "python":
            small = step["block"].replace("(640, 480)", "(160, 120)")  # which takes less time
            Path("camera.py").write_text(small, encoding="utf-8")
            subprocess.run([sys.executable, "camera.py"], check=True)
        elif step["kind"] == "toml":
            with Path("camera.toml").open("a", encoding="utf-8") as file:
                file.write(step["block"])
        else:
            printed = said(runs[-1].stdout)
            shown = [line for line in said(step["block"]) if line != "..."]
            assert [line for line in shown if line not in printed] == [], runs[-1].stdout
    assert [run.returncode for run in runs] == [0, 0, 3, 3, 0]
    told = [any(line.endswith(": camera, N") for line in said(run.stdout)) for run in runs]
    assert told == [False, False, True, False, False]
    assert Path("site/index.html").exists()
