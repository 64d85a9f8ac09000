"""The command that writes a site about a store."""

from pathlib import Path
from typing import Annotated

import typer

from lightmeter import Store
from lightmeter.cli.options import StoreOption, WithTags, tags_of
from lightmeter.cli.terminal import say
from lightmeter.dashboard import write_dashboard
from lightmeter.monitor.results import load_results


def dashboard(
    store: StoreOption,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder: new, empty or of an earlier run.")
    ],
    buckets: Annotated[int | None, typer.Option(min=1, help="How many, by default 7.")] = None,
    tag: WithTags = None,
) -> None:
    """Write a static site about a store, which needs no server, network or script.

    A run writes only what changed. A segment has pages for its latest --buckets, and for as many of
    the latest with an anomaly. With --tag there are no verdicts, which are about all profiles.
    """
    with Store(store, create=False) as opened:
        tags = tags_of(tag)
        results = [] if tags else load_results(opened)
        written = write_dashboard(opened.tagged(tags), output, results, buckets=buckets)
        say(f"{output / 'index.html'}: {written.pages} pages, {written.written} of them written")
