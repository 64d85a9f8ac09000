"""The commands and their arguments."""

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lightmeter import Failure, Limits, ProfileView, __version__, compare, profile_images
from lightmeter.cli import watch
from lightmeter.cli.exif import exif
from lightmeter.cli.findings import findings_json, findings_markdown, findings_text
from lightmeter.cli.options import Allow, Deny, Exemplars, policy_of
from lightmeter.cli.render import failure_json, summary_json, summary_tables
from lightmeter.cli.terminal import (
    FAILED,
    OK,
    Commands,
    complain,
    progress_bar,
    reported,
    say,
    wide_console,
    written,
)
from lightmeter.files import check_target, open_atomically

__all__ = ["run"]

DRIFTED = 3
DEFAULTS = Limits()

app = Commands(
    no_args_is_help=True,
    add_completion=False,
    help="Profile images, show and merge the profiles, see what drifted, keep a store by day.\n\n"
    "Exit codes: 0 done; 1 nothing could be measured or read; 2 wrong usage; "
    "3 drift, where --fail-on asks for it; 130 interrupted.",
)

app.command()(exif)
app.command()(watch.log)
app.command()(watch.dashboard)
app.add_typer(watch.store_commands, name="store")
app.add_typer(watch.monitor_commands, name="monitor")

Output = Annotated[Path | None, typer.Option("--output", "-o", help="Profile file to write.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class Frames(StrEnum):
    """What is measured of a file that holds several images."""

    FIRST = "first"
    ALL = "all"


class FailOn(StrEnum):
    """The least finding that fails a pipeline."""

    DRIFT = "drift"
    POSSIBLE = "possible"


def run() -> int:
    """Run the command line with the arguments of the process."""
    # Pillow warns of damaged metadata, a line a file; what matters of it is counted.
    warnings.filterwarnings("ignore", module="PIL")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # not every terminal writes UTF-8
    try:
        app(prog_name="lightmeter")
        code = OK
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else OK
    except OSError as error:  # of the help
        complain(str(error))
        code = FAILED
    return written() or code


@app.command()
def profile(
    paths: Annotated[list[str], typer.Argument(help="Image files, folders or glob patterns.")],
    output: Output = None,
    failures: Annotated[
        Path | None,
        typer.Option(help="File to write every failure to, a JSON object a line."),
    ] = None,
    max_pixels: Annotated[
        int | None, typer.Option(min=1, help="Larger images fail; default Pillow's own limit.")
    ] = DEFAULTS.pixels,
    max_bytes: Annotated[int, typer.Option(min=1, help="Larger files fail.")] = DEFAULTS.bytes or 0,
    max_seconds: Annotated[
        float, typer.Option(min=0.001, help="Files that take longer to read fail.")
    ] = DEFAULTS.seconds or 0,
    frames: Annotated[
        Frames, typer.Option(help="Of an animation or a file of pages, what to measure.")
    ] = Frames.FIRST,
    max_frames: Annotated[
        int, typer.Option(min=1, help="With --frames all, reject files with more frames.")
    ] = DEFAULTS.frames or 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads; default one per processor.")
    ] = None,
    exemplars: Exemplars = 0,
    exif_allow: Allow = None,
    exif_deny: Deny = None,
    as_json: AsJson = False,
) -> None:
    """Profile images: folders are walked, unreadable files counted by reason."""
    policy = policy_of(exif_allow, exif_deny)
    with reported():
        if output is not None:
            check_target(output)
        limits = Limits(pixels=max_pixels, bytes=max_bytes, frames=max_frames, seconds=max_seconds)
        with progress_bar("profiling") as progress, _failure_writer(failures) as on_failure:
            view = profile_images(
                paths,
                limits=limits,
                exif=policy,
                frames=frames.value,
                exemplars=exemplars,
                workers=workers,
                progress=progress,
                on_failure=on_failure,
            )
        if output is not None:
            view.write(output)
        _print(view, as_json)
        if view.images == 0:
            complain("no image could be measured")
            raise typer.Exit(FAILED)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Profile file.")], as_json: AsJson = False
) -> None:
    """Print what a profile file holds."""
    with reported():
        _print(ProfileView.read(file), as_json)


@app.command()
def merge(
    files: Annotated[list[Path], typer.Argument(help="Profile files.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Profile file to write.")],
    as_json: AsJson = False,
) -> None:
    """Merge profile files into one."""
    with reported():
        check_target(output)
        view = ProfileView.merge_many(map(ProfileView.read, files))
        view.write(output)
        _print(view, as_json)


@app.command()
def drift(
    reference: Annotated[
        str, typer.Option(help="Profile file, or images to profile: a folder or pattern.")
    ],
    target: Annotated[str, typer.Option(help="The same, to be judged by the reference.")],
    html: Annotated[
        Path | None, typer.Option(help="Write a report: one page, without network or script.")
    ] = None,
    fail_on: Annotated[
        FailOn | None, typer.Option(help="Exit with 3 if there is drift, or possibly drift.")
    ] = None,
    exemplars: Exemplars = 0,
    output_format: Annotated[
        Format, typer.Option("--format", help="How to print the findings.")
    ] = Format.TEXT,
) -> None:
    """Compare two profiles, or folders of images: what changed, by how much, how surely."""
    with reported():
        if html is not None:
            check_target(html)
        report = compare(
            reference=_view_of(reference, exemplars), target=_view_of(target, exemplars)
        )
        if html is not None:
            report.write_html(html, reference_name=reference, target_name=target)
        match output_format:
            case Format.TEXT:
                wide_console().print(*findings_text(report), sep="\n")
            case Format.JSON:
                print(findings_json(report))
            case Format.MARKDOWN:
                print(findings_markdown(report))
        if fail_on is not None and report.fails(fail_on.value):
            raise typer.Exit(DRIFTED)


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Argument(help="Where to draw the pictures and write the report.")
    ] = Path("lightmeter-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Of the drawings.")] = 0,
    timeline: Annotated[
        bool, typer.Option("--timeline", help="A fortnight in a store, with a dashboard, instead.")
    ] = False,
) -> None:
    """Draw synthetic blood smears, some with a diluted dye, and find out what changed."""
    from lightmeter.demo import run_demo, run_timeline

    if timeline:
        with reported():
            with progress_bar("drawing") as progress:
                days = run_timeline(folder, seed=seed, progress=progress)
            print(
                "Synthetic blood smears of 14 days, drawn by this program: diluted dye on the\n"
                "7th, another magnification on the 9th. What the monitor found:\n"
            )
            for result in days.results:
                if result.state == "anomaly":
                    say(f"{result.start:%Y-%m-%d}  {result.feature}: {result.words}")
            print(f"\nDashboard: {days.page}\nAgain:")
            print(
                f"  lightmeter log {days.pictures} --dataset cells --store {days.store} "
                "--date-from path:%Y-%m-%d"
            )
            print(f"  lightmeter monitor run {days.monitors} --store {days.store}")
            print(f"  lightmeter dashboard {days.store} --out {days.page.parent}")
        return
    with reported():
        with progress_bar("drawing") as progress:
            found = run_demo(folder, seed=seed, progress=progress)
        console = wide_console()
        console.print(
            "Synthetic blood smears, drawn by this program: the batch got a diluted dye.\n"
        )
        console.print(*findings_text(found.report), sep="\n")
        print(f"\nReport: {found.page}")
        print(
            f"Again: lightmeter drift --reference {found.reference} --target {found.target} "
            "--html report.html"
        )


def _view_of(source: str, exemplars: int) -> ProfileView:
    """A profile file, or the profile of the images meant."""
    if Path(source).is_file():
        return ProfileView.read(source)
    with progress_bar(f"profiling {source}") as progress:
        view = profile_images(source, exemplars=exemplars, progress=progress)
    if view.images == 0:
        raise FileNotFoundError(f"no image could be measured in {source!r}")
    return view


def _version(wanted: bool) -> None:
    if wanted:
        with reported():
            print(f"lightmeter {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


def _print(view: ProfileView, as_json: bool) -> None:
    if as_json:
        print(summary_json(view))
    else:
        console = wide_console()
        for part in summary_tables(view):
            console.print(part)


@contextlib.contextmanager
def _failure_writer(path: Path | None) -> Iterator[Callable[[Failure], None] | None]:
    if path is None:
        yield None
        return
    with open_atomically(path) as file:

        def write(failure: Failure) -> None:
            file.write(failure_json(failure).encode() + b"\n")

        yield write
