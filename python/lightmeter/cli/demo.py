"""The command that demonstrates lightmeter with synthetic images."""

import shlex
from itertools import groupby
from pathlib import Path

from lightmeter.cli.drift import print_findings
from lightmeter.cli.terminal import progress_bar, say
from lightmeter.demo import run_demo, run_timeline
from lightmeter.monitor.results import causes_text


def demo(output: Path = Path("lightmeter-demo"), timeline: bool = False) -> None:
    """Draw synthetic blood smears, and find out how a batch with diluted dye differs.

    Parameters
    ----------
    output
        Folder for images, profiles and pages.
    timeline
        Draw 14 days with three faults instead, and write a store and a dashboard.
    """
    if timeline:
        _timeline(output)
        return
    with progress_bar("drawing") as progress:
        report, page = run_demo(output, progress=progress)
    say("Synthetic blood smears, drawn by this program. In the batch, the dye is diluted.")
    print()
    print_findings(report)
    print()
    say(f"Report: {page}")
    folders = "--reference", output / "reference", "--target", output / "batch"
    say(f"To repeat: {shlex.join(map(str, ('lightmeter', 'drift', *folders)))}")


def _timeline(output: Path) -> None:
    with progress_bar("drawing") as progress:
        found, page = run_timeline(output, progress=progress)
    say("Synthetic blood smears of 14 days, drawn by this program: diluted dye on the 7th,")
    say("another magnification on the 9th, out of focus on the 11th. What the monitor found:")
    print()
    anomalies = [result for result in found if result.state == "anomaly"]
    for start, results in groupby(anomalies, key=lambda result: result.bucket):
        say(f"{start:%Y-%m-%d}  {causes_text([*results])}")
    print()
    say(f"Dashboard: {page}")
