"""One image against a reference: is it out of the ordinary, and in which numbers."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, Unpack

import numpy as np
from numpy.typing import NDArray

from lightmeter.drift.describe.causes import causes_of
from lightmeter.drift.deviation import OddNumber, Tail, deviation
from lightmeter.drift.names import prefix_of, said
from lightmeter.drift.readings import Unlike, reading_like
from lightmeter.image.measure import ImageLike, measure_images
from lightmeter.image.reading import Reading, ReadingOptions
from lightmeter.profile import ProfileView
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.profile.row import numbers_of
from lightmeter.text import count, counted, number, visible

LEVEL = 0.02
SAMPLE = 256  # images, of a reference that is made for checks
_LEAST_LEVEL = 1e-15

# What a reference keeps prepared; functions of one's own may return any names.
_MOST_KINDS = 32  # lists of numbers that images have
_MOST_NAMES = 1000

Verdict = Literal["ordinary", "unusual", "unknown"]


@dataclass(frozen=True, kw_only=True)
class ImageCheck:
    """What `check_image` says of an image.

    Attributes:
        verdict: ``"unusual"`` where `p_value` is at most `level`, ``"ordinary"`` where it is not,
            ``"unknown"`` where the sample of the reference is too small to tell.
        p_value: the share of the sample, and this image, that deviate at least as much; None
            without one. Of images like the reference, a share `level` at most is unusual.
        findings: why it is unusual: the numbers in `odd`, first those that tell a cause, such as
            "the image looks out of focus"; or where there is none the number that goes least with
            the others. Empty unless it is unusual.
        odd: the numbers that are out of the ordinary by themselves, the farthest first. Of 60
            numbers of an ordinary image two or three are. A reference that has fewer images than
            `level` needs cannot tell any.
        rows: how many images of the sample it was compared with.
        level: as given.
        read_differently: how the image was read in another way than those of the reference; numbers
            that cannot be compared then are not judged. Empty if it was not.
    """

    verdict: Verdict
    p_value: float | None
    findings: list[OddNumber]
    odd: list[OddNumber]
    rows: int
    level: float
    read_differently: str = ""

    def __repr__(self) -> str:
        """The verdict, how sure it is, and what is odd, in one line."""
        first = f"{self.read_differently} " if self.read_differently else ""
        first += f"{self.verdict}, p {number(self.p_value)} of {counted(self.rows, 'image')}"
        said = ": ".join([first, *(finding.sentence for finding in self.findings[:1])])
        return f"<ImageCheck: {visible(said)}>"

    @property
    def why_unknown(self) -> str:
        """What the reference lacks; empty unless the verdict is ``"unknown"``."""
        if self.verdict != "unknown":
            return ""
        least = least_rows(self.level)
        return (
            f"the reference has a sample of {counted(self.rows, 'image')} to compare this one "
            f"with, and a level of {self.level:g} needs {count(least)}; profile it again with "
            f"sample={max(least, SAMPLE)} (option --sample)"
        )


def check_image(
    image: ImageLike,
    reference: ProfileLike,
    *,
    level: float = LEVEL,
    prefix: str | None = None,
    reading: Reading | None = None,
    **options: Unpack[ReadingOptions],
) -> ImageCheck:
    """Judge one image by what is ordinary in a reference.

    Nothing has a limit of its own. The reference is a profile with a sample, of images that are
    as they should be. All numbers of the image are judged together: by the largest deviation of any
    weighted sum of them, against that of each row. Numbers that the image or the reference lacks
    are not judged: an array has no file size.

    >>> good = lm.profile_images("photos/", sample=256)
    >>> lm.check_image(frame, good).verdict

    That a share `level` of ordinary images is flagged at most, holds exactly if the image was drawn
    like those of the reference, and all have the same numbers; else it is at most twice that. It
    does not hold where images come in bursts: one burst is flagged
    as a whole or not at all. A reference should be of as many bursts, days and scenes as possible.

    Args:
        image: an image in any form that `lightmeter.log_image` takes.
        reference: a profile of ordinary images, made with ``sample=256``, or its path. It is
            prepared once for each `lightmeter.ProfileView`, so read a file once.
        level: the share of ordinary images that may be flagged, for which a sample of
            1 / level - 1 is needed.
        prefix: first part of the names of the features in the reference, if it has several.
        reading: how the image is read; by default as most images of the reference were, see
            `ProfileView.readings`. The set of metrics is always that of the reference; functions of
            yours are called.
        options: what differs from that: see `lightmeter.Reading`.

    Raises:
        ImageError: the image cannot be measured.
        TypeError: it is no image, `reference` no profile, or an option unknown.
        ValueError: it is several images; an argument is out of range; the reference holds no image,
            or images of several prefixes.
        OSError: the reference cannot be read.
        DecodeError: it is no profile.
    """
    prepared = reference_of(view_of(reference), prefix)
    images = measure_images(image, prepared.reading(reading, options), threads=1)
    measured = next(images)
    if next(images, None) is not None:
        raise ValueError("got several images; expected one, so check them one by one")
    return prepared.check(numbers_of(prepared.prefix, measured), level, measured.read)


def reference_of(view: ProfileView, prefix: str | None = None) -> "Reference":
    """What `check_image` prepares of a view, which keeps it."""
    key = ("check", prefix)
    if key not in view._prepared:
        view._prepared[key] = Reference(view, prefix)
    prepared: Reference = view._prepared[key]
    return prepared


class Reference:
    """What the checks of many images have in common. Threads may share it."""

    def __init__(self, view: ProfileView, prefix: str | None = None) -> None:
        """Prepare a view.

        Raises:
            ValueError: it holds no image of that prefix, or images of several prefixes.
        """
        prefixes = tuple(view._core.image_prefixes)
        if prefix is None and len(prefixes) == 1:
            (prefix,) = prefixes
        if prefix is None or prefix not in prefixes or view.images == 0:
            got = "name one by prefix=" if prefix is None else f"got the prefix {prefix!r}"
            held = f"images of {', '.join(map(repr, prefixes))}" if view.images else "no image"
            raise ValueError(f"{got}; the reference holds {held}")
        self.prefix, self._view, self._prefixes = prefix, view, prefixes
        self._readings = view.readings.get(prefix, {})
        self._usual = reading_like(self._readings, {}, None)
        self._tables = [
            ([self._short(name) for name in names], values)
            for names, values in view._core.sampled_rows()
            if all(prefix_of(name, prefixes) == prefix for name in names)
        ]
        self._tail = lru_cache(_MOST_NAMES)(self._tail_of)
        self._rows = lru_cache(_MOST_KINDS)(self._choose)

    def _short(self, name: str) -> str:
        return name.removeprefix(f"{self.prefix}.")

    def reading(self, reading: Reading | None, options: ReadingOptions) -> Reading:
        """How to read an image, with the set of metrics that the reference was measured with.

        Args:
            reading: how, but for the options; None is how most images of the reference were read.
            options: what differs from that.

        Raises:
            TypeError: an option is unknown or of another type.
            ValueError: one is out of range, or there are other bands than those of the reference,
                so that nothing could be compared.
        """
        if reading is None and not options:
            return self._usual
        reading = reading_like(self._readings, options, reading)
        known, given = (list(each.bands or ()) or "none" for each in (self._usual, reading))
        if known != given:
            raise ValueError(f"bands: got {given}; expected those of the reference, {known}")
        return replace(reading, metrics=[self._usual.metric_set, *reading.functions])

    def check(
        self, numbers: Mapping[str, float], level: float = LEVEL, read: str = ""
    ) -> ImageCheck:
        """Judge an image by its numbers, as `numbers_of` gives them.

        Args:
            numbers: by their features.
            level: as for `check_image`.
            read: the text of how the image was read.

        Raises:
            ValueError: `level` is not between 1e-15 and 1.
        """
        check_level(level)
        unlike = Unlike({self.prefix: {read: 1}}, {self.prefix: self._readings})
        numbers = {self._short(name): x for name, x in numbers.items() if not unlike.reason(name)}
        tails = {name: tail for name in numbers if (tail := self._tail(name))}
        farthest = sorted(tails, key=lambda name: -tails[name].distance(numbers[name]))
        odd = {name: each for name in farthest if (each := tails[name].odd(numbers[name], level))}
        least = least_rows(level)
        names, rows = self._rows(frozenset(numbers), least)
        found = None
        if names:
            image = [numbers[name] for name in names]
            found = deviation(names, rows, image, self._usual.bands or ())
        findings: list[OddNumber] = []
        verdict: Verdict = "ordinary"
        if found is None or len(rows) < least:
            verdict = "unknown"
        elif found.p_value <= level * (1 + 1e-12):
            verdict = "unusual"
            findings = _with_causes(odd, tails, numbers)
            if not odd and (oddest := tails.get(found.oddest)):
                how = "higher" if found.is_higher else "lower"
                words = f"is {how} than goes with the other numbers of the image"
                alone = oddest.odd(numbers[found.oddest], 1.0, words)
                findings = [alone] if alone else []
        return ImageCheck(
            verdict=verdict,
            p_value=found.p_value if found else None,
            findings=findings,
            odd=[*odd.values()],
            rows=len(rows),
            level=level,
            read_differently=unlike.sentence,
        )

    def _choose(
        self, names: frozenset[str], least: int
    ) -> tuple[Sequence[str], NDArray[np.float32]]:
        """Rows of images that have the same numbers; or, where these are too few, those numbers
        of the image that most rows have.
        """
        alike = [table for table in self._tables if names == set(table[0])]
        if sum(len(values) for _, values in alike) < least:
            counts = Counter[str]()
            for own, values in self._tables:
                counts.update(dict.fromkeys(own, len(values)))
            total = sum(len(values) for _, values in self._tables)
            names = frozenset(name for name in names if 2 * counts[name] > total)
            alike = [table for table in self._tables if names.issubset(table[0])]
        if not alike or not names:
            return (), np.empty((0, 0), np.float32)
        order = sorted(names)
        parts = [values[:, [own.index(name) for name in order]] for own, values in alike]
        return order, np.vstack(parts)

    def _tail_of(self, name: str) -> Tail | None:
        feature = f"{self.prefix}.{name}"
        if feature not in self._view or not self._view[feature].numbers.n:
            return None
        column = self._view[feature]
        return Tail(column, said(feature, column.meaning.origin, self._prefixes))


def _with_causes(
    odd: Mapping[str, OddNumber], tails: Mapping[str, Tail], numbers: Mapping[str, float]
) -> list[OddNumber]:
    """The findings, those that tell what happened to the image first."""
    changes = {name: tail.change(numbers[name], is_odd=name in odd) for name, tail in tails.items()}
    findings: dict[str, OddNumber] = {}
    for cause, lead in causes_of(changes, {name: tail.said.group for name, tail in tails.items()}):
        sentence = f"the image {cause.of_one}: {odd[lead].sentence}"
        findings[lead] = odd[lead]._replace(sentence=sentence, cause=cause.name)
    return list((findings | {name: odd[name] for name in odd if name not in findings}).values())


def check_level(level: float) -> None:
    """Refuse a level that no image could be judged by.

    Raises:
        ValueError: it is not between 1e-15 and 1.
    """
    if not _LEAST_LEVEL <= level < 1:
        expected = f"expected a number between {_LEAST_LEVEL:g} and 1, such as {LEVEL:g}"
        raise ValueError(f"level is {level}; {expected}")


def least_rows(level: float) -> int:
    """The rows without which no image can be unusual."""
    return math.ceil(1 / level * (1 - 1e-12)) - 1
