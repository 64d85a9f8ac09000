"""The commands that serve a store over HTTP, and keep its keys."""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lightmeter import Store
from lightmeter.cli.options import MaybeStore, Printed, StoreOption, repeatable
from lightmeter.cli.terminal import (
    Commands,
    complain,
    fail,
    print_json,
    print_table,
    reported,
    say,
)
from lightmeter.store.keys import RIGHTS, Key

commands = Commands(
    invoke_without_command=True,
    help="Serve a store over HTTP: its pages, and an API.\n\nWithout keys only this machine is let "
    "in. A proxy on this machine lets others in: make a key first.",
)
keys = Commands(no_args_is_help=True, help="Make, list and remove the keys of a server.")
commands.add_typer(keys, name="key")

_Right: Any = StrEnum("_Right", {right: right for right in RIGHTS})  # type: ignore[misc]


@commands.callback()
@reported()
def _serve(
    context: typer.Context,
    store: MaybeStore = None,
    host: Annotated[str, typer.Option(help="Where to listen; others need a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any that is free.")] = 8787,
    public_url: Annotated[str | None, typer.Option(help="The address before a proxy.")] = None,
    allow_host: Annotated[
        list[str] | None, repeatable("--allow-host", "A further name of it")
    ] = None,
    monitors: Annotated[Path | None, typer.Option(help="File of monitors to run.")] = None,
    pull: Annotated[str | None, typer.Option(help="Inbox to empty into the store.")] = None,
    proxy_from: Annotated[
        list[str] | None,
        repeatable("--proxy-from", "Network of a proxy that has people log in", "CIDR"),
    ] = None,
    proxy_header: Annotated[
        str | None, typer.Option(help="Where it says who asks, by default X-Forwarded-User.")
    ] = None,
    proxy_rights: Annotated[
        list[_Right] | None, repeatable("--proxy-rights", "What those may do, by default read")
    ] = None,
) -> None:
    if context.invoked_subcommand is not None:
        return
    if store is None:
        raise typer.BadParameter("missing", param_hint="--store")
    try:
        from lightmeter.serve.proxy import Proxy
        from lightmeter.serve.running import serve_store
    except ImportError as error:
        text = f"serve needs packages that are not here ({error}): pip install "
        raise ImportError(f"{text}'lightmeter[server]'") from error
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    fields: Any = {"networks": proxy_from, "header": proxy_header, "rights": proxy_rights}
    given = {name: value for name, value in fields.items() if value}
    serve_store(
        store,
        host=host,
        port=port,
        public_url=public_url,
        hosts=tuple(allow_host or ()),
        monitors=monitors,
        pull=pull,
        proxy=Proxy(**given) if given else None,
        ready=lambda url: print(f"{store}: served at {url}", flush=True),
    )


@keys.command()
def add(
    store: StoreOption,
    right: Annotated[list[_Right], repeatable("--right", "What it may do; admin has both others")],
    dataset: Annotated[
        list[str] | None, repeatable("--dataset", "Only for these datasets, such as 'cells*'")
    ] = None,
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
) -> None:
    """Make a key and print it. It is not kept, so that it cannot be printed again.

    Where there is no store yet, one is started, and standard error says so.
    """
    rights: Any = right
    is_new = "://" not in store and not Path(store).exists()
    with Store(store) as opened:
        print(opened.state.keys.add(rights, datasets=dataset or ("*",), note=note))
    if is_new:
        complain(f"{store}: a new store was started, as there was none")


@keys.command("list")
def list_keys(store: StoreOption, output_format: Printed = "text") -> None:
    """List the keys by their first ten characters."""
    with Store(store, create=False) as opened:
        known = opened.state.keys.all()
    if output_format == "json":
        print_json(known)
    elif known:
        print_table(("key", "rights", "datasets", "created", "note"), map(_row, known))
    else:
        say(f"{store}: no key")


@keys.command()
def remove(
    store: StoreOption,
    key: Annotated[str, typer.Argument(help="The first ten characters of the key.")],
) -> None:
    """Remove a key. A server that runs takes it no more."""
    with Store(store, create=False) as opened:
        if not opened.state.keys.remove(key[:10]):
            fail(f"there is no key {key[:10]!r}; see lightmeter serve key list")
    say(f"{key[:10]}: removed")


def _row(key: Key) -> tuple[str, ...]:
    rights, datasets = ", ".join(sorted(key.rights)), ", ".join(key.datasets)
    return key.id, rights, datasets, f"{key.created:%Y-%m-%d %H:%M}", key.note
