"""The commands that make, print and merge profiles."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lightmeter import Failure, ProfileView, profile_images
from lightmeter.cli.options import BATCH, All, Printed, Sources, reads_images
from lightmeter.cli.terminal import complain, fail, print_json, progress_bar
from lightmeter.drift.compare import Comparison
from lightmeter.files import check_target
from lightmeter.image.reading import ReadingOptions
from lightmeter.profile.log import view_of
from lightmeter.profile.reading_text import reading_fields
from lightmeter.profile.view import plain_summary, text_table
from lightmeter.report.report import groups_of
from lightmeter.text import counted, number, visible


@reads_images(*BATCH)
def profile(
    paths: Sources,
    output: Path | None = None,
    *,
    options: ReadingOptions,
    batch: dict[str, Any],
    show_all: All = False,
    output_format: Printed = "text",
) -> None:
    """Measure images and print their profile.

    A folder stands for the images below it. Files that cannot be read are counted by reason;
    `lightmeter measure` writes a row for each.

    Parameters
    ----------
    output
        Write the profile to this file.
    """
    if output is not None:
        check_target(output)
    with progress_bar("profiling") as progress:
        source = paths[0] if len(paths) == 1 else paths
        view = profile_images(source, progress=progress, **options, **batch)
    if output is not None:
        view.write(output)
    print_profile(view, output_format, show_all=show_all)
    reasons = reasons_of(view)
    tell_failures(reasons, view.failures)
    require_images(view.images, reasons, paths)


def show(file: Path, output_format: Printed = "text") -> None:
    """Print the contents of a profile file.

    Parameters
    ----------
    file
        Profile file.
    """
    print_profile(view_of(file), output_format, show_all=True)


def merge(files: list[Path], *, output: Path) -> None:
    """Merge profile files into one, and print the result.

    Parameters
    ----------
    files
        Profile files.
    output
        Write the merged profile to this file.
    """
    check_target(output)
    view = ProfileView.merge_many(map(view_of, files))
    view.write(output)
    print_summary(view, show_all=False)


def print_profile(view: ProfileView, output_format: str, *, show_all: bool = False) -> None:
    """Print a profile as text or as JSON."""
    if output_format == "json":
        print_json(plain_summary(view))
    else:
        print_summary(view, show_all=show_all)


_SHOWN_FAILURES = 5
_MEANS = 4  # of a family
_NAMED = 3  # files of a reason
_FIRST = {f"image.{name}" for name in ("Brightness.mean", "Saturation.mean", "Noise", "Sharpness")}


def headline(view: ProfileView) -> str:
    """Return the numbers of measured images and failed files as text."""
    failed = counted(reasons_of(view).total(), "file")
    return f"{counted(view.images, 'image')} measured, {failed} failed"


def reasons_of(*views: ProfileView) -> Counter[str]:
    """Return the numbers of failed files by reason."""
    reasons = Counter[str]()
    for view in views:
        for name in (f"{prefix}.Failure" for prefix in view._core.image_prefixes):
            for item in view[name].frequent if name in view else ():
                reasons[item.value] += item.est
    return reasons


def tell_failures(reasons: Counter[str], failures: Iterable[Failure], side: str = "") -> None:
    """Print a line for each reason on stderr, the most frequent first.

    Parameters
    ----------
    reasons
        The numbers of failed files by reason.
    failures
        Some of the failures, whose names are printed.
    side
        The head of each line.
    """
    failures = list(failures)
    for reason, count in reasons.most_common():
        names = [repr(_shown(each)) for each in failures if each.reason == reason][:_NAMED]
        names += ["..."] * (count > _NAMED)
        complain(f"{side}{counted(count, 'file')} failed as {reason}: {', '.join(names)}")


def require_images(measured: int, reasons: Counter[str], sources: Sequence[str] = ()) -> None:
    """End the command with an error if no image was measured.

    The error names the sources if no file failed: they hold none.
    """
    if not measured:
        named = "" if reasons else ", ".join(map(repr, sources))
        fail(f"no image was measured{named and f': there is none in {named}'}")


def _shown(failure: Failure) -> str:
    return failure.to_dict()["path"] or "(not a file)"


def _families(view: ProfileView) -> str:
    """Return a line for each family with its number of features and some means."""
    families: dict[str, list[str]] = {}
    # `has_gps` is no tag, and all files have it.
    shown = (name for name in view if not name.endswith(".has_gps"))
    for name in sorted(shown, key=lambda name: name not in _FIRST):
        families.setdefault(view[name].meaning.family, []).append(name)
    lines = []
    for family, names in families.items():
        means = [
            f"{visible(name.removeprefix('image.'))} {number(mean)}"
            for name in names
            # Many Exif tags are codes, or bytes of which the length counts.
            if view[name].kind == "number" and family != "Exif" and not view[name].types.date
            if (mean := view[name].mean) is not None
        ]
        such = ": " if len(means) == len(names) <= _MEANS else ", with means such as " * bool(means)
        lines.append(f"{family}: {counted(len(names), 'feature')}{such}{', '.join(means[:_MEANS])}")
    return "\n".join(lines)


def print_summary(view: ProfileView, *, show_all: bool) -> None:
    """Print a summary of a profile, its failures, and its families or all features."""
    lines = [headline(view)]
    lines += [f"{name}: {', '.join(values)}" for name, values in view.tags.items()]
    if view._core.has_groups:
        measured, _ = groups_of(Comparison(target=view, reference=view))  # as `drift` counts them
        lines.append(f"groups: {measured or view.groups or 'none; check the pattern'}")
    if reasons := reasons_of(view):
        listed = ", ".join(f"{reason} {n}" for reason, n in reasons.most_common())
        lines.append(f"failed: {listed}")
    for failure in view.failures[:_SHOWN_FAILURES]:
        lines.append(f"  {_shown(failure)}: {failure.reason}, {failure.detail}")
    print(*map(visible, lines), sep="\n")
    print(text_table(view) if show_all else _families(view))
    for image_format, names in view.decoders.items():
        print(visible(f"{image_format} decoded by {' and by '.join(names)}"))
    ways = (way for readings in view.readings.values() for way in readings.items())
    if taken := sum(count for text, count in ways if "fourth" in reading_fields(text)):
        images = counted(taken, "image")
        print(f"the fourth channel of {images} counted as alpha; --bands measures it")
