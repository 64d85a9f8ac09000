"""What its commands `scan` and `report` call, with one worker and without their start."""

import tempfile
from pathlib import Path

from imgeda.cli.report import report as write_report
from imgeda.io.manifest_io import read_manifest
from imgeda.models.config import ScanConfig
from imgeda.pipeline.runner import run_scan
from peer_tasks import Task, answer, files, items, page, run  # noqa: F401 (worker.py)

FOLDER = tempfile.TemporaryDirectory()
MANIFEST = Path(FOLDER.name) / "manifest.jsonl"
PAGE = Path(FOLDER.name) / "page.html"


def prepare(case, data):
    if case == "report":
        scan(files("640x480 JPEG", data))
        return Task(report, [MANIFEST], lambda _: page(PAGE))
    return Task(scan, files(case, data), clipped if "16" in case else of_pictures)


def scan(given):
    config = ScanConfig(workers=1, resume=False, force=True)
    return run_scan(str(given[0].parent), str(MANIFEST), config)


def report(given):
    write_report(manifest=str(given[0]), output=str(PAGE))


def of_pictures(_):
    _, records = read_manifest(str(MANIFEST))
    read = [record.pixel_stats for record in records if not record.is_corrupt]
    means = [(each.mean_r + each.mean_g + each.mean_b) / 3 for each in read]
    return {"pictures": float(len(read)), "sample": sum(means) / len(means)}


def clipped(given):
    """Its pixels of 16 bits are clipped at 255: only the pictures are counted."""
    return {"pictures": of_pictures(given)["pictures"]}
