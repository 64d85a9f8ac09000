"""The commands that explain features, and show the tracked and withheld Exif tags of a file."""

from pathlib import Path

import typer

from lightmeter import ExifPolicy
from lightmeter.cli.terminal import NOT_UNDERSTOOD, complain, fail, print_table
from lightmeter.drift.row import label_of
from lightmeter.errors import ImageError
from lightmeter.image.encoded import open_encoded
from lightmeter.image.exif import DATES, KNOWN, PERSONAL, read_exif
from lightmeter.image.limits import DEFAULT_LIMITS
from lightmeter.image.metrics import FACTS, NO_BANDS
from lightmeter.image.numbers import BAND_NUMBERS, IMAGE_NUMBERS, SETS, UNITS, ImageNumber
from lightmeter.image.open import file_header
from lightmeter.interop import readers
from lightmeter.profile.features import Meaning, Role
from lightmeter.text import near
from lightmeter.times import DAY, EPOCH

_OTHERS = {
    "Hue.pixels": "the hue of every pixel of all images, in 8-bit steps",
    "Saturation.pixels": "the saturation of every pixel of all images, in 8-bit steps",
    "Brightness.pixels": "the brightness of every pixel of all images, in 8-bit steps",
    "image:joint": "all numbers of an image together, as a vector",
    "Failure": "why files could not be measured, by reason",
    "Colorspace": "the mode of the image, such as RGB",
    "ColorProfile": "the name of the embedded colour profile",
    "JpegQuality": "the JPEG quality whose libjpeg luminance table is nearest to the file's",
    "ignored_percent": "the share of pixels that are ignored, in percent",
    "Shift": "how far the view of a video has moved since its first frame, in percent of a side",
    "StillSeconds": "for how many seconds nothing has changed in a video",
    "TimeGaps": "how often a frame of a video comes 2.5 frames or more after the previous one",
    "TimeRepeats": "how often the time of a video's frame is not later than the previous one's",
    "UndecodedPackets": "the number of damaged packets and frames of a video",
    "Progressive": "1 for a progressive or interlaced file, else 0",
}
# Numbers of bands, which have no red, green and blue.
_OF_BANDS = {"mean": "the mean", "stddev": "the standard deviation", "entropy": "the entropy"}
_MISSING = {"is": "the share of images without a value", "unit": UNITS["share"], "compared": "yes"}


def explain(features: list[str]) -> None:
    """Explain features of images: the unit, the metric sets, and whether reports compare them.

    Parameters
    ----------
    features
        Names such as image.Noise, image.Make:missing or image.B02.mean (of the band B02); or the
        words of a report for a feature, such as contrast.
    """
    words, unknown = _by_word(), list[str]()
    for given in features:
        rate = ":missing" if given.endswith(":missing") else ""
        name = given.removesuffix(rate).removeprefix("image.")
        for feature in words.get(name.casefold(), [f"image.{name}"]):
            if facts := _facts(feature.removeprefix("image.")):
                shown = (_MISSING if rate else facts).items()
                print(f"{feature}{rate}", *(f"  {word}: {text}" for word, text in shown), sep="\n")
            else:
                unknown.append(feature)
    for feature in unknown:
        hint = near(feature, words, "try lightmeter show PROFILE")
        complain(f"there is no feature {feature!r}; {hint}")
    if unknown:
        raise typer.Exit(NOT_UNDERSTOOD)


def _by_word() -> dict[str, list[str]]:
    """Return the features with a name, or a word of a report; our own come before Exif tags."""
    known: dict[str, list[str]] = {}
    for name in dict.fromkeys((*IMAGE_NUMBERS, *_OTHERS, *FACTS, *sorted(KNOWN))):
        feature = name if ":" in name else f"image.{name}"
        for word in {name.casefold(), label_of(feature, "image", ["image"]).name.casefold()}:
            known.setdefault(word, []).append(feature)
    return known


def _facts(name: str) -> dict[str, str]:
    """Return what is known of a feature; empty if there is no such feature."""
    if number := IMAGE_NUMBERS.get(name):
        return _of_number(number)
    first, _, rest = name.partition(".")
    if rest in BAND_NUMBERS and first not in NO_BANDS:
        number = IMAGE_NUMBERS[BAND_NUMBERS[rest]]
        says = _OF_BANDS.get(rest, number.says).replace("red, green and blue ", "")
        return _of_number(number) | {"is": f"of the band {first} as a gray image: {says}"}
    if rest and first in readers.__all__:
        return {"is": f"a fact that read=readers.{first} finds", "compared": _compared("category")}
    if name in KNOWN:
        tag = "an Exif tag, tracked"
        tag += " only if --exif-allow names it, because it is personal" if name in PERSONAL else ""
        unit = {"unit": "days since 1970"} if name in DATES else {}
        return {"is": tag, **unit, "compared": _compared("date" if name in DATES else "category")}
    if name not in _OTHERS and name not in FACTS:
        return {}
    says = _OTHERS.get(name, "a fact from the header of the file")
    return {"is": says, "compared": _compared("pixels" if rest == "pixels" else "category")}


def _of_number(number: ImageNumber) -> dict[str, str]:
    return {
        "is": number.says,
        "unit": UNITS[number.scale],
        "metrics": ", ".join(SETS[SETS.index(number.set) :]),
        "topic": number.topic,
        "compared": _compared(number.role),
    }


def _compared(role: Role) -> str:
    untested = Meaning(role).untested
    return f"no: {untested}" if untested else "yes"


def exif(file: Path) -> None:
    """Print the Exif tags of a file that are tracked, and the names of withheld tags.

    Parameters
    ----------
    file
        Image file.
    """
    try:
        opened = open_encoded(file, DEFAULT_LIMITS)
    except ImageError as error:
        raise ImageError(error.reason, error.detail, file) from error
    with opened:
        header = file_header(opened, DEFAULT_LIMITS)
    if header is None:
        fail(f"{file} has no format whose Exif lightmeter reads")
    tags = read_exif(header.exif, ExifPolicy(allow=PERSONAL), header.orientation)
    rows = list[tuple[str, str]]()
    for name in sorted(tags.keys() - PERSONAL):
        tag = tags[name]
        text = tag if isinstance(tag, str) else f"{tag:.10g}"
        if name in DATES:
            text = f"{EPOCH + float(tag) * DAY:%Y-%m-%d %H:%M:%S}"
        rows.append((name, text))
    print_table(("tag", "value"), rows)
    print(f"\nwithheld: {', '.join(sorted(tags.keys() & PERSONAL)) or 'nothing'}")
