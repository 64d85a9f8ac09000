"""Show, verify, shrink, copy and fill a store."""

from collections.abc import Iterable
from typing import Any, cast

import typer

from lightmeter import Store
from lightmeter.cli.options import Printed, StoreArgument, WithTags, pairs_of
from lightmeter.cli.terminal import FAILED, Commands, complain, fail, print_json, print_table, say
from lightmeter.errors import StoreError
from lightmeter.profile.segments import segment_text
from lightmeter.store.copying import copy_store
from lightmeter.store.inbox import Inbox, pull
from lightmeter.store.tables import Summary
from lightmeter.text import NONE, count, counted
from lightmeter.times import duration_text

_NUMBERS = ("every", "buckets", "first", "last", "writers", "images", "bytes")

commands = Commands(no_args_is_help=True, help=__doc__)


@commands.command("show")
def show_store(store: StoreArgument, tag: WithTags = None, output_format: Printed = "text") -> None:
    """Print datasets and segments, with their buckets, writers, images, bytes and tags."""
    with Store(store, create=False) as opened:
        summaries = opened.tagged(pairs_of("tag", tag)).summary()
    if output_format == "json":
        print_json(summaries)
    elif summaries:
        print_table(("dataset", *_NUMBERS, "tags"), map(_row, summaries), right=_NUMBERS)
    else:
        say(f"{opened.address}: no dataset")


@commands.command()
def gc(store: StoreArgument, roll_up_after: str = "14d", keep: str | None = None) -> None:
    """Merge old profiles into one per day, delete older ones, and shrink the file.

    Parameters
    ----------
    roll_up_after
        Merge days older than this.
    keep
        Delete days older than this, by default none.
    """
    with Store(store, create=False) as opened:
        collected = opened.gc(roll_up_after=roll_up_after, keep=keep)
    say(f"profiles merged: {collected.merged}, deleted: {collected.deleted}")
    if collected.damaged:
        fail(f"damaged profiles left as they are: {collected.damaged}; see store verify")


@commands.command()
def verify(store: StoreArgument) -> None:
    """Read everything in a store, and list what is damaged.

    The exit code is 1 if something is damaged.
    """
    with Store(store, create=False) as opened:
        _complain(map(str, opened.verify()))
    say(f"{opened.address}: no damage")


@commands.command()
def copy(source: str, target: str) -> None:
    """Copy the datasets of a store into another one, completely or not at all.

    Results, sent alerts and accepted changes are copied with their datasets. A dataset that the
    target already has is listed and skipped, and so is a damaged profile; the exit code is then 1.

    Parameters
    ----------
    source
        The store to copy, of any kind.
    target
        The store to copy it to, which may be new.
    """
    with Store(source, create=False) as first, Store(target) as second:
        copied = copy_store(first, second)
    state = f"{counted(copied.state, 'row')} of results and alerts"
    say(f"copied: {counted(copied.profiles, 'profile')}, {state}")
    _complain(copied.left)


@commands.command(name="pull")
def pull_inbox(inbox: str, store: StoreArgument, delete: bool = False) -> None:
    """Put the profiles of an inbox into a store. Repeating it counts nothing twice.

    Objects that are damaged or not profiles are listed and stay in the inbox. So do profiles that
    the store refuses, because the bucket was rolled up or buckets have another length.

    Parameters
    ----------
    inbox
        The inbox, such as s3://bucket/drift.
    delete
        Delete objects that the store has.
    """
    source = Inbox(inbox, create=False)
    with Store(store) as opened:
        pulled = pull(source, opened, delete=delete)
    say(", ".join(f"{name}: {number}" for name, number in pulled._asdict().items()))


@commands.command()
def send(store: StoreArgument) -> None:
    """Send the profiles that wait on this machine because their server was unreachable.

    The store is the address of the server, and its key is in LIGHTMETER_KEY. The next log or put to
    the server sends them too. The exit code is 1 if some still wait, or if the server refuses some:
    these are kept with the reason, and not sent again.
    """
    with cast(Any, Store(store, create=False)) as opened:
        if not hasattr(opened, "spool"):
            text = f"got {opened.address}; expected the address of a server, such as https://host"
            raise StoreError(text)
        done = opened.send()
        aside = opened.spool.refused()
        say(f"{opened.address}  sent: {done.sent}, refused: {done.refused}, left: {done.left}")
        if aside:
            complain(f"refused, in {opened.spool.path}: {len(aside)}; the last: {aside[-1]}")
        if done.left:
            fail(f"profiles still wait in {opened.spool.path}: {done.why}")
    if done.refused:
        raise typer.Exit(FAILED)


def _complain(reasons: Iterable[str]) -> None:
    """Print the reasons as errors, and end the command if there are any."""
    for reason in (wrong := list(reasons)):
        complain(reason)
    if wrong:
        raise typer.Exit(FAILED)


def _row(summary: Summary) -> tuple[str, ...]:
    """Return the cells of a segment; a name without a segment is the whole dataset."""
    days = (NONE if at is None else f"{at:%Y-%m-%d}" for at in (summary.first, summary.last))
    return (
        f"{summary.dataset} {segment_text(summary.segment)}".rstrip(),
        duration_text(summary.every),
        count(summary.buckets),
        *days,
        *map(count, (summary.writers, summary.images, summary.bytes)),
        "; ".join(f"{name} {', '.join(values)}" for name, values in summary.tags.items()),
    )
