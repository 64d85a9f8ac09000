"""The recipes of docs/ that need other programs: Dagster, Airflow, pre-commit, GitHub, DICOM."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightmeter as lm
import pytest
from conftest import picture

ROOT = Path(__file__).parents[2]
CONTRACT = '[[expect]]\nfeature = "image.Luma.mean"\nmean = { at_least = 60 }\n'


def block(kind: str, word: str, page: str = "contracts.md") -> str:
    """The block of the page that has the word."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{kind}\n(.*?)^```", text, re.M | re.S)
    (found,) = (each for each in blocks if word in each)
    return str(found)


@pytest.fixture(params=[False, True], ids=["good", "dark"])
def dark(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Pictures in the folders photos and data of the working directory, and a contract."""
    monkeypatch.chdir(tmp_path)
    for folder in ("photos", "data"):
        (tmp_path / folder).mkdir()
        for seed in range(3):
            image = picture(seed=seed)
            if request.param:
                image = image.point(lambda sample: sample // 4)
            image.save(tmp_path / folder / f"{seed}.png")
    (tmp_path / "contract.toml").write_text(CONTRACT)
    return bool(request.param)


def program(folder: Path) -> Path:
    """Write a command `lightmeter` that runs this one."""
    file = folder / "lightmeter"
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lightmeter "$@"\n')
    file.chmod(0o755)
    return file


def test_dagster(dark: bool) -> None:
    dagster = pytest.importorskip("dagster")
    names: dict[str, Any] = {}
    exec(block("py", "dagster"), names)
    checks = [names["photos_keep_their_contract"]]
    result = dagster.materialize([names["photos"], *checks], raise_on_error=False)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed == (not dark)
    assert bool(evaluation.metadata["failures"].value) == dark


def test_airflow(dark: bool) -> None:
    pytest.importorskip("airflow.sdk")
    names: dict[str, Any] = {}
    exec(block("py", "airflow"), names)
    judge = names["judge_photos"].function
    if not dark:
        assert judge("photos") == "contract passed: 0 of 1 expectation failed"
        return
    with pytest.raises(names["AirflowFailException"], match="expected mean at least 60"):
        judge("photos")


def test_pre_commit(dark: bool, tmp_path: Path) -> None:
    pytest.importorskip("pre_commit")
    yaml = pytest.importorskip("yaml")
    folder = program(tmp_path / "bin").parent
    (tmp_path / ".pre-commit-config.yaml").write_text(block("yaml", "repo: local"))
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path)}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path
        )

    for command in (("git", "init", "-q"), ("git", "add", "data", ".pre-commit-config.yaml")):
        assert run(*command).returncode == 0
    done = run(sys.executable, "-m", "pre_commit", "run", "--all-files")
    assert done.returncode == int(dark), done.stdout + done.stderr
    assert ("expected mean at least 60" in done.stdout) == dark
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hooks[0]["entry"] in block("yaml", "repo: local")
    command = (sys.executable, "-m", "pre_commit", "validate-manifest")
    assert run(*command, str(ROOT / ".pre-commit-hooks.yaml")).returncode == 0


def run_step(number: int, **inputs: str) -> "subprocess.CompletedProcess[str]":
    """Run a step of the action with its inputs, of which the others are empty."""
    yaml = pytest.importorskip("yaml")
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    step = action["runs"]["steps"][number]
    environment = os.environ | dict.fromkeys(step["env"], "") | inputs
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(script, env=environment, capture_output=True, text=True, check=False)


def test_the_action_judges(dark: bool, tmp_path: Path) -> None:
    """Its script, with this lightmeter in place of the wheel that it would install."""
    program(tmp_path / "lightmeter/bin")
    inputs = {"TARGET": "data", "CONTRACT": "contract.toml", "HTML": "page.html"}
    done = run_step(1, **inputs, RUNNER_TEMP=str(tmp_path))
    assert done.returncode == int(dark), done.stderr
    assert ("::error title=contract::" in done.stdout) == dark
    assert Path("page.html").exists()
    assert lm.Contract("contract.toml").judge(lm.profile_images("data")).passed != dark


def test_the_action_installs_a_wheel(tmp_path: Path) -> None:
    """Its first step, with a pip that says what it was asked for."""
    (tmp_path / "python3").write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf \'#!/bin/sh\\necho "$@"\\n\' > "$3/bin/pip"\n'
        'chmod +x "$3/bin/pip"\n'
    )
    (tmp_path / "python3").chmod(0o755)
    for wheel, asked in (("dist/a.whl", "dist/a.whl"), ("", "/checkout")):
        inputs = {"WHEEL": wheel, "SOURCE": "/checkout", "RUNNER_TEMP": str(tmp_path / "r")}
        done = run_step(0, **inputs, PATH=f"{tmp_path}:{os.environ['PATH']}")
        assert done.stdout.strip() == f"install -q {asked}[cli,parquet]"


@pytest.mark.parametrize(
    ("dark", "fail_on", "code"), [(False, "drift", 0), (True, "drift", 3), (True, "never", 0)]
)
def test_the_action_compares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dark: bool, fail_on: str, code: int
) -> None:
    """Its script, with this lightmeter in place of the one that it would build."""
    pictures = [picture(seed=seed) for seed in range(40)]
    lm.log_image(pictures[:20]).view().write(tmp_path / "good.lmp")
    new = [image.point(lambda sample: sample // 3) if dark else image for image in pictures[20:]]
    lm.log_image(new).view().write(tmp_path / "new one.lmp")
    program(tmp_path / "lightmeter/bin")
    monkeypatch.chdir(tmp_path)
    inputs = {"REFERENCE": "good.lmp", "TARGET": "new one.lmp", "HTML": "a.html"}
    inputs |= {"FAIL_ON": fail_on, "RUNNER_TEMP": str(tmp_path)}
    inputs["GITHUB_STEP_SUMMARY"] = str(tmp_path / "summary.md")
    done = run_step(1, **inputs)
    assert done.returncode == code
    assert ("      drift  The images are darker" in (tmp_path / "summary.md").read_text()) == dark
    assert (tmp_path / "a.html").exists()
