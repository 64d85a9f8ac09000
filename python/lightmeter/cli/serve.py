"""Serve a store over HTTP: its pages, and an API."""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lightmeter import Store
from lightmeter.cli.options import StoreOption
from lightmeter.cli.terminal import Commands, complain, fail, print_table, say
from lightmeter.store.keys import RIGHTS

_Right: Any = StrEnum("_Right", RIGHTS)  # type: ignore[misc]

commands = Commands(invoke_without_command=True)
keys = Commands(no_args_is_help=True, help="Make, list and remove the keys of a server.")
commands.add_typer(keys, name="key")


@commands.callback()
def _serve(
    context: typer.Context,
    store: StoreOption = "",
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8787,
    public_url: str | None = None,
    allow_host: list[str] | None = None,
    monitors: Path | None = None,
    pull: str | None = None,
    proxy_from: Annotated[list[str] | None, typer.Option(metavar="CIDR")] = None,
    proxy_header: str | None = None,
    proxy_rights: list[_Right] | None = None,
) -> None:
    """Serve a store over HTTP: its pages, and an API.

    Without keys, only this machine has access. A proxy on this machine gives access to others, so
    make a key first.

    Parameters
    ----------
    host
        Address to listen on; other machines need a key.
    port
        Port to listen on; 0 is any free port.
    public_url
        The public address, if a proxy is in front.
    allow_host
        A further host name of the server (repeatable).
    monitors
        File of monitors to run.
    pull
        Inbox to empty into the store.
    proxy_from
        Network of a proxy that logs people in (repeatable).
    proxy_header
        Header with the user's name, by default X-Forwarded-User.
    proxy_rights
        Rights of these users, by default read (repeatable).
    """
    if context.invoked_subcommand is not None:
        return
    if not store:
        raise typer.BadParameter("missing", param_hint="--store")
    try:
        from lightmeter.serve.running import serve_store
        from lightmeter.serve.server import Proxy
    except ImportError as error:
        text = f"serve needs packages that are not installed ({error}): pip install "
        raise ImportError(f"{text}'lightmeter[server]'") from error
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    _tell_if_new(store)
    fields: Any = {"networks": proxy_from, "header": proxy_header, "rights": proxy_rights}
    given = {name: value for name, value in fields.items() if value}
    serve_store(
        store,
        host,
        port,
        public_url=public_url,
        hosts=allow_host or (),
        monitors=monitors,
        pull=pull,
        proxy=Proxy(**given) if given else None,
    )


@keys.command()
def add(
    *,
    store: StoreOption,
    right: list[_Right],
    dataset: list[str] | None = None,
    note: str = "",
) -> None:
    """Make a key and print it. The key is not stored, so it cannot be printed again.

    If the store does not exist yet, it is created, and standard error says so.

    Parameters
    ----------
    right
        Right of the key; admin includes the others (repeatable).
    dataset
        Only for these datasets, such as 'cells*' (repeatable).
    note
        Purpose of the key.
    """
    rights: Any = right
    _tell_if_new(store)
    with Store(store) as opened:
        print(opened.state.keys.add(rights, datasets=dataset or ("*",), note=note))


def _tell_if_new(store: str) -> None:
    if "://" not in store and not Path(store).exists():
        complain(f"{store}: there is no store, so a new one is created")


@keys.command("list")
def list_keys(store: StoreOption) -> None:
    """List the keys by their first ten characters."""
    with Store(store, create=False) as opened:
        known = opened.state.keys.all()
    if not known:
        say(f"{opened.address}: no key")
        return
    rows = []
    for key in known:
        rights, names = ", ".join(sorted(key.rights)), ", ".join(key.datasets)
        rows.append((key.id, rights, names, f"{key.created:%Y-%m-%d %H:%M}", key.note))
    print_table(("key", "rights", "datasets", "created", "note"), rows)


@keys.command()
def remove(store: StoreOption, key: str) -> None:
    """Remove a key. A running server refuses it at once.

    Parameters
    ----------
    key
        The first ten characters of the key.
    """
    with Store(store, create=False) as opened:
        if not opened.state.keys.remove(key[:10]):
            fail(f"there is no key {key[:10]!r}; see lightmeter serve key list")
    say(f"{key[:10]}: removed")
