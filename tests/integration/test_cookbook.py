"""The recipes of docs/cookbook.md that need other programs: DICOM, and the action for GitHub."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
import pytest
from conftest import picture

ROOT = Path(__file__).parents[2]


def sample(word: str) -> str:
    """The block of the page that has the word."""
    page = (ROOT / "docs/cookbook.md").read_text(encoding="utf-8")
    (block,) = (
        each for each in re.findall(r"^```py\n(.*?)^```", page, re.M | re.S) if word in each
    )
    return block


def write_slice(path: Path, series: int, seed: int) -> None:
    """12 bits of a scanner whose units begin at -1024, with a patient."""
    pydicom = pytest.importorskip("pydicom")
    file = pydicom.Dataset()
    file.file_meta = pydicom.dataset.FileMetaDataset()
    file.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file.SOPClassUID, file.SOPInstanceUID = pydicom.uid.CTImageStorage, f"1.2.{series}.{seed}"
    file.PatientName, file.Modality, file.Manufacturer = "Somebody^Ill", "CT", "Ada"
    file.SeriesInstanceUID = f"1.2.3.{series}"
    file.Rows = file.Columns = 32
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
    file.RescaleSlope, file.RescaleIntercept = 1, -1024
    samples = np.random.default_rng(seed).integers(500, 1500, (32, 32), dtype=np.uint16)
    file.PixelData = samples.tobytes()
    file.save_as(path, enforce_file_format=True)


def test_dicom(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.dcm" for number in range(6)]
    for number, path in enumerate(paths):
        write_slice(path, number // 3, number)
    names: dict[str, Any] = {"paths": paths}
    exec(sample("pydicom"), names)
    view = names["profile"].view()
    values = [
        np.random.default_rng(seed).integers(500, 1500, (32, 32), dtype=np.uint16)
        for seed in range(6)
    ]
    expected = (np.mean(values) - 1024 + 1000) / 3000 * 255
    assert view["slice.Brightness.mean"].mean == pytest.approx(expected, abs=0.01)
    assert [(item.value, item.est) for item in view["Manufacturer"].frequent] == [("Ada", 6)]
    assert view["KVP"].missing == 6
    assert "series" not in view
    assert b"Somebody" not in view.to_bytes()


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
