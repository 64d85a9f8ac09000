"""Read profiles that other tools wrote."""

from pathlib import Path

from lightmeter import ProfileView, Store
from lightmeter.cli.options import MaybeStore, store_of
from lightmeter.cli.profile import print_summary
from lightmeter.cli.terminal import Commands, say
from lightmeter.files import check_target
from lightmeter.interop.whylogs import read_segments
from lightmeter.profile.segments import segment_text
from lightmeter.profile.view import counted_in

commands = Commands(no_args_is_help=True, help=__doc__)


@commands.callback()
def _options() -> None:
    """Keep `whylogs` a command of a group, because there may be more tools."""


@commands.command()
def whylogs(
    files: list[Path],
    output: Path | None = None,
    store: MaybeStore = None,
    dataset: str | None = None,
    every: str | None = None,
) -> None:
    """Read whylogs profiles into one file, or into a store.

    In a store, each profile goes to the bucket of its dataset timestamp and to its segment. A
    profile that is imported again replaces itself, so nothing is counted twice.

    Parameters
    ----------
    files
        Profile files of whylogs 1.x (.bin), or archives (.zip).
    output
        Write all, merged, to this file.
    dataset
        The dataset in the store.
    every
        The length of buckets of a new dataset, by default 1d.
    """
    store = store_of(store, output)
    read = ((file, profile) for file in files for profile in read_segments(file))
    if output is not None and store is None and dataset is None:
        check_target(output)
        view = ProfileView.merge_many(profile.view for _, profile in read)
        view.write(output)
        print_summary(view, show_all=False)
        return
    if output is not None or store is None or dataset is None:
        raise ValueError("expected either --output, or --store and --dataset")
    profiles = list(read)  # before any is stored
    with Store(store) as opened:
        for file, (view, segment, digest) in profiles:
            if view.dataset_timestamp is None:
                raise ValueError(
                    f"{file}: the profile has no dataset timestamp; set one in whylogs"
                )
            writer = f"whylogs {digest[:32]}"
            opened.put(dataset, view, writer=writer, segment=segment, every=every)
            name = " ".join(filter(None, (dataset, segment_text(segment))))
            say(f"{name} {view.dataset_timestamp:%Y-%m-%d %H:%M}  {counted_in(view._core)}")
