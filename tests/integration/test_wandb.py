"""Weights & Biases' own package keeps what is logged, offline."""

import json
from pathlib import Path

import lightmeter as lm
import pytest
from lightmeter.hooks.wandb import log_report
from stores import view

wandb = pytest.importorskip("wandb")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_report_is_logged_with_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIR", "CACHE_DIR", "CONFIG_DIR", "DATA_DIR"):
        monkeypatch.setenv(f"WANDB_{name}", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    report = lm.compare(target=view(30, 150), reference=view(30))
    with wandb.init(mode="offline", project="drift", dir=tmp_path) as run:
        log_report(report, run)
        kept = dict(run.summary)
    assert kept["drift.image.Brightness.mean.hellinger"] == pytest.approx(1.0)
    (page,) = tmp_path.rglob("*.html")
    report.write_html(tmp_path / "own")
    assert page.read_text() == (tmp_path / "own").read_text()
    assert json.dumps(kept, default=str)
