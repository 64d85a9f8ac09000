"""Weights & Biases: reports in its runs (needs ``wandb``)."""

from typing import Any

from lightmeter.hooks.numbers import report_numbers
from lightmeter.report.page import html_page
from lightmeter.report.report import DriftReport

__all__ = ["log_report"]


def log_report(report: DriftReport, run: Any, *, step: int | None = None) -> None:
    """Log the numbers of a report in a run, and its page as ``drift.html``.

    Args:
        report: what `lightmeter.compare` gave.
        run: what ``wandb.init`` gave.
        step: of the run; None takes the next.

    Raises:
        ImportError: wandb is not installed.
    """
    import wandb

    page = wandb.Html(str(html_page(report)), inject=False)
    run.log({**report_numbers(report), "drift.html": page}, step=step)
