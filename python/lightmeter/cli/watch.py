"""The commands on a store: logging into it and keeping it."""

import contextlib
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from lightmeter import LightmeterError, Store
from lightmeter.cli.render import headline
from lightmeter.cli.terminal import FAILED, complain, progress_bar, reported
from lightmeter.monitor import log_folder

__all__ = ["log", "store_commands"]

store_commands = typer.Typer(no_args_is_help=True, help="Keep a store small and whole.")

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
) -> None:
    """Profile a folder into a store, by day. Doing so again replaces and never counts twice."""
    with reported(), _usage(), Store(store) as opened:
        with progress_bar("profiling") as progress:
            logged = log_folder(
                opened,
                folder,
                dataset,
                at=day and date(day.year, day.month, day.day),
                date_from=date_from,
                workers=workers,
                progress=progress,
            )
        for start, view in logged.profiles.items():
            print(f"{dataset} {start:%Y-%m-%d %H:%M}  {headline(view)}")
        if logged.undated:
            count, first = len(logged.undated), logged.undated[0]
            complain(f"not logged for want of a date: {count} files, such as {first!r}")
        if not any(view.images for view in logged.profiles.values()):
            complain("no image could be measured")
            raise typer.Exit(FAILED)


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
    """Read every profile of a store; exit code 1 if something is damaged."""
    with reported(), Store(store, create=False) as opened:
        found = opened.verify()
        for damage in found:
            complain(str(damage))
        if found:
            raise typer.Exit(FAILED)
        print(f"{store}: no damage")


@contextlib.contextmanager
def _usage() -> Iterator[None]:
    """Arguments that the library does not understand are wrong usage."""
    try:
        yield
    except ValueError as error:
        if isinstance(error, LightmeterError):
            raise
        raise typer.BadParameter(str(error)) from None
