"""The recipe of docs/cookbook.md that needs another program: the action for GitHub."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from conftest import picture

ROOT = Path(__file__).parents[2]


def steps() -> list[dict[str, Any]]:
    yaml = pytest.importorskip("yaml")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return action["runs"]["steps"]


@pytest.mark.parametrize(
    ("dark", "fail_on", "code"), [(False, "drift", 0), (True, "drift", 3), (True, "never", 0)]
)
def test_the_action_compares(tmp_path: Path, dark: bool, fail_on: str, code: int) -> None:
    """Its script, with this lightmeter in place of the one that it would build."""
    pictures = [picture(seed=seed) for seed in range(40)]
    lm.log_image(pictures[:20]).view().write(tmp_path / "good.lmp")
    new = [image.point(lambda sample: sample // 3) if dark else image for image in pictures[20:]]
    lm.log_image(new).view().write(tmp_path / "new one.lmp")
    program = tmp_path / "lightmeter/bin/lightmeter"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lightmeter "$@"\n')
    program.chmod(0o755)
    inputs = {
        "REFERENCE": "good.lmp",
        "TARGET": "new one.lmp",
        "FAIL_ON": fail_on,
        "HTML": "a.html",
        "CONTRACT": "",
    }
    assert steps()[1]["env"].keys() == inputs.keys()
    runner = {"RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", steps()[1]["run"]]
    done = subprocess.run(script, cwd=tmp_path, env=os.environ | inputs | runner, check=False)
    assert done.returncode == code
    assert ("      drift  The images are darker" in (tmp_path / "summary.md").read_text()) == dark
    assert (tmp_path / "a.html").exists()
