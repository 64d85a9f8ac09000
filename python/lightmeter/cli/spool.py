"""The command that sends what waits for a server."""

import typer

from lightmeter.cli.options import StoreArgument
from lightmeter.cli.terminal import FAILED, complain, progress_bar, reported, say
from lightmeter.store.remote import RemoteStore

__all__ = ["send"]


def send(store: StoreArgument) -> None:
    """Send the profiles that wait on this machine, as their server was away.

    The store is the address of the server, and its key is in LIGHTMETER_KEY. The next log or put to
    the server sends them too. The exit code is 1 if some still wait, or the server does not take
    some: these are put aside, each with the reason.
    """
    with reported(), RemoteStore(store) as opened, progress_bar("sending") as progress:
        done = opened.send(progress=progress)
        aside = opened.spool.refused()
        say(f"{opened.address}  sent: {done.sent}, put aside: {done.refused}, left: {done.left}")
        if done.left:
            complain(f"profiles still wait in {opened.spool.path}: {done.why}")
        if aside:
            complain(f"put aside in {opened.spool.path}: {len(aside)}, the last as {aside[-1]}")
        if done.left or done.refused:
            raise typer.Exit(FAILED)
