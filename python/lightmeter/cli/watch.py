"""The commands on a store: logging into it and keeping it."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from lightmeter import LightmeterError, Store
from lightmeter.alerts import (
    Delivery,
    Matching,
    acknowledge,
    load_alerts,
    snooze,
    tell,
    try_out,
)
from lightmeter.cli.options import Allow, Deny, Exemplars, policy_of
from lightmeter.cli.render import headline
from lightmeter.cli.terminal import FAILED, Commands, complain, progress_bar, reported, say
from lightmeter.monitor.config import load_monitors
from lightmeter.monitor.evaluate import update_results
from lightmeter.monitor.monitors import false_alarms_a_year
from lightmeter.monitor.results import Result, load_newest, load_results
from lightmeter.monitor.turning import load_turning_points
from lightmeter.store.buckets import segment_text
from lightmeter.text import visible
from lightmeter.times import parse_duration
from lightmeter.writers import log_folder

__all__ = ["dashboard", "log", "monitor_commands", "store_commands"]

ANOMALY, UNSURE = 3, 4

store_commands = Commands(no_args_is_help=True, help="Keep a store small and whole.")

monitor_commands = Commands(no_args_is_help=True, help="Watch what a store holds.")

StorePath = Annotated[Path, typer.Argument(help="The store, such as drift.db.")]


def log(
    folder: Annotated[str, typer.Argument(help="Folder, file or glob pattern of images.")],
    dataset: Annotated[str, typer.Option(help="Name of what is watched.")],
    store: Annotated[Path, typer.Option(help="The store, such as drift.db.")],
    day: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="Day of all images; default today, UTC."),
    ] = None,
    date_from: Annotated[
        str | None,
        typer.Option(
            help="Where the day of each image comes from: exif, mtime or path:PATTERN, such as "
            "path:%Y-%m-%d."
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads; default one per processor.")
    ] = None,
    exemplars: Exemplars = 0,
    exif_allow: Allow = None,
    exif_deny: Deny = None,
) -> None:
    """Profile a folder into a store, by day. Doing so again replaces and never counts twice; days
    that gc has rolled up meanwhile stay as they are.
    """
    policy = policy_of(exif_allow, exif_deny)
    with reported(), _usage(), Store(store) as opened:
        with progress_bar("profiling") as progress:
            logged = log_folder(
                opened,
                folder,
                dataset,
                at=day and date(day.year, day.month, day.day),
                date_from=date_from,
                exif=policy,
                exemplars=exemplars,
                workers=workers,
                progress=progress,
            )
        for start, view in logged.profiles.items():
            say(f"{dataset} {start:%Y-%m-%d %H:%M}  {headline(view)}")
        if logged.undated:
            count, first = len(logged.undated), logged.undated[0]
            complain(f"not logged for want of a date: {count} files, such as {first!r}")
        if logged.rolled_up:
            count = sum(map(len, logged.rolled_up.values()))
            say(
                f"{dataset} {min(logged.rolled_up):%Y-%m-%d %H:%M} and on  left as they are, as "
                f"they have been rolled up: {len(logged.rolled_up)} buckets, {count} files"
            )
        elif not any(view.images for view in logged.profiles.values()):
            complain("no image could be measured")
            raise typer.Exit(FAILED)


def dashboard(
    store: StorePath,
    out: Annotated[Path, typer.Option(help="Folder of the site: new, empty or of an earlier run.")],
    days: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many buckets of a dataset get a page: the latest, and the latest with an "
            "anomaly; default all. Of a segment 7 at most.",
        ),
    ] = None,
) -> None:
    """Write a static site about a store: no server, network or script. Only what changed is
    written again.
    """
    from lightmeter.dashboard import write_dashboard

    with reported(), Store(store, create=False) as opened:
        done = write_dashboard(opened, out, load_results(opened), days=days)
        print(f"{out / 'index.html'}: {done.pages} pages, {done.written} of them written")


@store_commands.command()
def gc(
    store: StorePath,
    roll_up_after: Annotated[
        str, typer.Option(help="Age from which a day becomes one profile per segment.")
    ] = "14d",
    keep: Annotated[
        str | None, typer.Option(help="Age from which days are deleted; default never.")
    ] = None,
) -> None:
    """Merge old profiles into one per day, delete older ones, give room back."""
    with reported(), _usage(), Store(store, create=False) as opened:
        done = opened.gc(roll_up_after=roll_up_after, keep=keep)
        print(f"profiles merged: {done.merged}, deleted: {done.deleted}")
        if done.damaged:
            complain(f"damaged profiles left as they are: {done.damaged}; see store verify")
            raise typer.Exit(FAILED)


@store_commands.command()
def verify(store: StorePath) -> None:
    """Read every profile of a store, and what is said of each; exit code 1 if some is damaged."""
    with reported(), Store(store, create=False) as opened:
        found = opened.verify()
        for damage in found:
            complain(visible(damage))
        if found:
            raise typer.Exit(FAILED)
        print(f"{store}: no damage")


@store_commands.command()
def backup(
    store: StorePath,
    copy: Annotated[Path, typer.Argument(help="File to write, which is not there yet.")],
) -> None:
    """Copy a store while others use it. The file alone, copied by other means, can lack what was
    stored last: that lies beside it until nobody has the store open.
    """
    with reported(), Store(store, create=False) as opened:
        opened.backup(copy)
        print(f"{copy}: written")


Config = Annotated[Path, typer.Argument(help="TOML file of monitors.")]


@monitor_commands.command()
def run(
    config: Config,
    store: Annotated[Path, typer.Option(help="The store, such as drift.db.")],
) -> None:
    """Judge every complete bucket, keep the results in the store, print the newest anomalies, and
    tell what is new through the file's alerts.

    Exit codes: 0 the newest bucket of every monitor is ok; 3 one has an anomaly; 1 none has, but an
    alert did not get through, which the next run tries again; 4 one could not be judged (error, or
    not enough data). The newest bucket is that of all segments which a monitor watches: one that
    stopped before is not in it. Runs on one store take turns. Several files may watch one store, if
    no two of their monitors have the same name and dataset.
    """
    with reported(), Store(store, create=False) as opened, opened.turn():
        alerts, monitors = load_alerts(config), load_monitors(config)
        update_results(opened, monitors, source=str(config))
        watched = [(monitor.name, monitor.dataset) for monitor in monitors]
        last = load_newest(opened, watched)
        for one in last:
            if one.state != "ok":
                print(_line(one))
        told = tell(opened, load_turning_points(opened, watched), alerts) if alerts else []
        failed = _complain_of(told)
        states = {one.state for one in last}
        if "anomaly" in states:
            raise typer.Exit(ANOMALY)
        if failed:
            raise typer.Exit(FAILED)
        if states - {"ok"}:
            raise typer.Exit(UNSURE)


@monitor_commands.command()
def test_alerts(config: Config) -> None:
    """Send a message through every alert of the file that says it is a test."""
    with reported():
        deliveries = try_out(load_alerts(config))
        for delivery in deliveries:
            if delivery.error is None:
                say(f"{delivery.alert}: sent")
        if _complain_of(deliveries):
            raise typer.Exit(FAILED)


Pattern = Annotated[str, typer.Option(help="Pattern, such as image.Hue.*; default all.")]
Note = Annotated[str, typer.Option(help="Why, for the dashboard.")]


@monitor_commands.command("acknowledge")
def acknowledge_lines(
    store: StorePath,
    dataset: Pattern = "*",
    segment: Pattern = "*",
    monitor: Pattern = "*",
    feature: Pattern = "*",
    note: Note = "",
) -> None:
    """Say that somebody knows of the anomalies and errors that last: they no longer count as open
    in messages.
    """
    lines = Matching(dataset=dataset, segment=segment, monitor=monitor, feature=feature)
    with reported(), Store(store, create=False) as opened:
        for one in acknowledge(opened, load_turning_points(opened), lines, note=note):
            place = " ".join(filter(None, one.line))
            print(visible(f"{one.start:%Y-%m-%d %H:%M} {one.kind} {place}: acknowledged"))


@monitor_commands.command("snooze")
def snooze_lines(
    store: StorePath,
    length: Annotated[str, typer.Option("--for", help="How long, such as 2d.")],
    dataset: Pattern = "*",
    segment: Pattern = "*",
    monitor: Pattern = "*",
    feature: Pattern = "*",
    note: Note = "",
) -> None:
    """Tell nothing of some lines for a while; what lasts when it ends is told then."""
    lines = Matching(dataset=dataset, segment=segment, monitor=monitor, feature=feature)
    with reported(), _usage(), Store(store, create=False) as opened:
        until = datetime.now(UTC) + parse_duration(length)
        snooze(opened, lines, until, note=note)
        print(f"snoozed until {until:%Y-%m-%d %H:%M} UTC")


@monitor_commands.command()
def check(
    config: Config,
    store: Annotated[
        Path | None, typer.Option(help="The store, which knows how many buckets a year has.")
    ] = None,
) -> None:
    """Check a file of monitors, and say how many false alarms a year it is good for,
    where that does not depend on the data."""
    with reported(), contextlib.ExitStack() as stack:
        monitors, _ = load_monitors(config), load_alerts(config)
        opened = stack.enter_context(Store(store, create=False)) if store is not None else None
        alarms = [false_alarms_a_year(monitor, opened) for monitor in monitors]
        for monitor, number in zip(monitors, alarms, strict=True):
            text = "not known, depends on the data" if number is None else f"at most {number:.3g}"
            print(visible(f"{monitor.name}: expected false alarms a year: {text}"))
        known = [number for number in alarms if number is not None]
        parts = [f"at most {sum(known):.3g}"] if known else []
        if unknown := len(alarms) - len(known):
            parts.append(f"{unknown} not known")
        print(f"in all: {', and '.join(parts)}")


def _complain_of(deliveries: list[Delivery]) -> bool:
    """Whether a message was not sent."""
    failed = [delivery for delivery in deliveries if delivery.error is not None]
    for delivery in failed:
        complain(visible(f"alert {delivery.alert}: {delivery.error}"))
    return bool(failed)


def _line(result: Result) -> str:
    """A result in words. Features and details may hold anyone's text."""
    place = " ".join(filter(None, (result.dataset, segment_text(result.segment))))
    value = "" if result.value is None else f"{result.value:.4g}"
    found = " ".join(filter(None, (result.state, result.feature, value, result.words)))
    return visible(f"{result.start:%Y-%m-%d %H:%M} {place} {result.monitor}: {found}")


@contextlib.contextmanager
def _usage() -> Iterator[None]:
    """Arguments that the library does not understand are wrong usage."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, LightmeterError):
            raise
        raise typer.BadParameter(str(error)) from None
