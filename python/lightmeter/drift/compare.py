"""Comparing two profiles: a row with a verdict for each feature."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from itertools import chain
from typing import Any, NamedTuple

from lightmeter import _core
from lightmeter.drift.describe import sentences
from lightmeter.drift.groups import judge_by_group, own_groups
from lightmeter.drift.row import (
    CHANGED,
    ONE_VALUE,
    RATES,
    DriftKind,
    FeatureDrift,
    Thresholds,
    carrying,
    fill,
    holm_p_values,
    judge,
    label_of,
    prefix_of,
    rest_on,
)
from lightmeter.drift.vectors import Cores, compare_joint, compare_vectors
from lightmeter.image.metrics import ERROR, TAKEN
from lightmeter.image.numbers import IMAGE_NUMBERS
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile import FrequentItem, ProfileView
from lightmeter.profile.features import Meaning
from lightmeter.profile.reading_text import reading_fields, reading_options
from lightmeter.text import near, shorten

# A cause leads the headline, so it needs stronger evidence: if nothing changed, at most one
# comparison in a hundred names a cause.
_CAUSE = 1 / 5  # of the largest q-value of a ``drift``

_label_of = lru_cache(maxsize=4096)(label_of)  # all comparisons ask of the same features


class Comparison:
    """Hold the comparison of a target with a reference; see `lightmeter.compare`.

    Attributes
    ----------
    target
        The judged profile.
    reference
        The profile for comparison.
    features
        Rows of all features of either side, the most severe first.
    thresholds
        Thresholds of the verdicts.
    unlike
        Differences in how images of the two sides were read, by feature.
    read_differently
        The same in words; empty if they were read alike.
    ungrouped
        Numbers of images without a group and of all images, of the target and of the reference, if
        both have groups.
    """

    def __init__(
        self,
        *,
        target: ProfileView,
        reference: ProfileView,
        thresholds: Thresholds | None = None,
        tested: bool = True,
    ) -> None:
        """Compare two profiles.

        If `tested` is false, features have only sizes and distances, which is fast. There are no
        p-values, and no verdicts except ``not enough data`` and, if nothing can have changed,
        ``none``.
        """
        self.target, self.reference = target, reference
        self.thresholds = by = thresholds or Thresholds()
        self.unlike = Unlike(target.readings, reference.readings)
        self.read_differently = self.unlike.sentence
        self.ungrouped = [(0, 0), (0, 0)]
        rows = list(self._rows(tested=tested))
        _name_gray(rows)
        for row in rows:
            fill(row, wording=partial(sentences.describe, by=by))
        self.features = judge(rows, by, tested=tested)

    def _rows(self, *, tested: bool) -> Iterator[FeatureDrift]:
        """Yield the rows of all features except hashes, which differ between any two images."""
        cores = self.target._core, self.reference._core
        tallies = [core.tallies() for core in cores]
        prefixes = frozenset(chain(*(core.image_prefixes for core in cores)))
        by_group = tested and all(core.groups for core in cores)
        for name in sorted(tallies[0].keys() | tallies[1].keys()):
            known = [Meaning(*side[name][:2]) for side in tallies if name in side]
            meaning = known[0].join(known[-1])
            if meaning.role == "hash":
                continue
            reason = self.unlike.reason(name)
            about = {**vars(_label_of(name, meaning.origin, prefixes)), "role": meaning.role}
            about |= {"family": meaning.family, "sides": (self.target, self.reference)}
            feature = _Feature(cores, name, meaning, self.thresholds, tested and not reason, about)
            for row in feature.rows(*(side.get(name) for side in tallies)):
                if reason:
                    fill(row, verdict=None, reason=reason)
                elif by_group:
                    tables = [core.grouped(name, *meaning) for core in cores]
                    judge_by_group(row, tables)
                    if row.kind != "failure":  # failed files have no group
                        self.ungrouped = [*map(max, self.ungrouped, map(own_groups, tables))]
                yield row
        for prefix in sorted(prefixes) if tested else ():
            if not self.unlike.reason(f"{prefix}.Red"):  # as all numbers of pixels at once
                yield from compare_joint(prefix, cores, is_alone=len(prefixes) == 1)

    @property
    def drifted(self) -> list[FeatureDrift]:
        """Return the features whose verdict is ``drift``."""
        return [row for row in self.features if row.verdict == "drift"]

    @property
    def named(self) -> list[FeatureDrift]:
        """Return the features in `drifted` that a headline may name.

        They pass Holm's procedure: the probability that any of them did not change is at most
        `thresholds.drift`. `drifted` may hold more features, because it bounds only the share of
        false ones.
        """
        rows = [row for row in self.features if row.q_value is not None]
        adjusted = holm_p_values([row.p_high or 0.0 for row in rows], [row.family for row in rows])
        sure = (row for row, p in zip(rows, adjusted, strict=True) if p <= self.thresholds.drift)
        return [row for row in sure if row.verdict == "drift"]

    @cached_property
    def notes(self) -> list[str]:
        """Return the assumptions of the verdicts that the data cannot verify, as sentences."""
        return [*filter(None, (_of_groups(self), _of_decoders(self)))]

    @cached_property
    def causes(self) -> list[sentences.Finding]:
        """Return the likely causes of the changes, which fit the signs of several numbers.

        Examples are out of focus, darker and covered; see docs/drift.md. The list is empty without
        numbers of images.
        """
        return sentences.causes(self.features, self.named, _CAUSE * self.thresholds.drift)

    @cached_property
    def findings(self) -> list[sentences.Finding]:
        """Return descriptions of changes: failed files, causes, then the rest by severity.

        A change far larger than that of a cause of some images precedes the causes.
        """
        return self._findings_of([row for row in self.features if row.verdict in CHANGED])

    def _findings_of(self, rows: Sequence[FeatureDrift]) -> list[sentences.Finding]:
        explained = {row for cause in self.causes for row in cause.rows}
        found = [*self.causes, *sentences.findings([row for row in rows if row not in explained])]
        found.sort(key=lambda x: not any(sentences.is_apart(x.rows[0], y) for y in self.causes))
        return sorted(found, key=lambda each: each.rows[0].kind != "failure")

    def __getitem__(self, feature: str) -> FeatureDrift:
        """Return the row of a feature, such as ``image.entropy`` or ``image.Make:missing``.

        A name that ends in ``:missing`` or ``:not a number`` is that of a rate. If a column of
        yours has such a name, its own row is only in `features`.

        Raises
        ------
        KeyError
            There is no such row.
        """
        found = [row for row in self.features if row.feature == feature]
        if not found:
            hint = near(feature, self, "see .features")
            raise KeyError(f"no feature {feature!r} among the {len(self)} compared; {hint}")
        return max(found, key=lambda row: row.kind in RATES)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the features, the most severe first."""
        return (row.feature for row in self.features)

    def __len__(self) -> int:
        """Return the number of compared features."""
        return len(self.features)

    def summary(self) -> str:
        """Return a sentence about the changes: "saturation fell by 38 %, brightness rose by 9 %".

        If `read_differently` is not empty, it precedes the sentence.
        """
        return f"{self.read_differently} {self.sentence}".lstrip()

    @cached_property
    def sentence(self) -> str:
        """Return the summary without `read_differently`."""
        named, found = set(self.named), self._findings_of(self.drifted)
        return sentences.summary(self.features, [x for x in found if named.intersection(x.rows)])

    def __repr__(self) -> str:
        """Return the summary."""
        return f"<{type(self).__name__}: {self.summary()}>"


# --- assumptions of the verdicts, which the data cannot verify ---

ASSUMED = "Verdicts assume independent images. If some belong together, group them (--group)."
GROUPED = "Verdicts assume independent groups. Join groups that depend on each other."


def _of_groups(comparison: Comparison) -> str:
    judged = [row for row in comparison.features if row.q_value is not None]
    alone = [row.feature for row in judged if row.groups_target is None]
    sides = {"target": comparison.target, "reference": comparison.reference}
    if not alone:
        counts = zip(sides, comparison.ungrouped, strict=True)
        parts = [f"{n} of {images} in the {side}" for side, (n, images) in counts if n]
        words = f" Images without a group are a group each: {', '.join(parts)}." if parts else ""
        return f"{GROUPED}{words}" if judged else ""
    grouped, first = [side for side, view in sides.items() if view.groups], ""
    if len(grouped) == len(sides):
        first = f"Groups are not used for {shorten(', '.join(alone), 80)}: some values lack one. "
    elif grouped:
        first = f"Only the {grouped[0]} has groups. "
    elif any(view._core.has_groups for view in sides.values()):
        first = "No image has a group: check the pattern, if any. "
    return first + ASSUMED


def _of_decoders(comparison: Comparison) -> str:
    """Return sentences about formats whose decoders differ between the sides; empty if none.

    Different decoders, and different versions of a decoder, may round differently. Unknown
    decoders, and formats that one side lacks, do not count.
    """
    own, other = comparison.target.decoders, comparison.reference.decoders
    unlike = sorted(name for name in own.keys() & other.keys() if own[name] != other[name])
    sentences = (f" {name}: {beside(other[name], own[name])}." for name in unlike)
    first = "Decoders differ between the sides, so a small change may come from them."
    return first + "".join(sentences) if unlike else ""


# --- rows ---


class _Feature(NamedTuple):
    """Hold a feature of two profiles, and attributes that all of its rows share."""

    cores: Cores
    name: str
    meaning: Meaning
    by: Thresholds
    tested: bool  # whether a p-value is wanted
    about: dict[str, Any]

    def rows(self, *tallies: tuple[Any, ...] | None) -> Iterator[FeatureDrift]:
        """Yield the row of the feature, and those of its rates."""
        counts = map(self._counts, self.cores, tallies)
        # Observations without a value; without a value or NaN; strings; finite numbers; all values.
        unset, missing, texts, finite, values = zip(*counts, strict=True)
        if self.meaning.role == "failure":
            row = self._rate("failure", texts, unset)
            if not any(texts):
                fill(row, verdict="none", reason="no failures")
            yield row
        elif self.meaning.role == "vector":
            row = self._row("vector", (0, 0))
            odd = compare_vectors(row, self.cores, tested=self.tested)
            yield row
            missing = unset[0] + odd[0], unset[1] + odd[1]
            if any(missing):
                yield self._rate("missing", missing, (row.n_target, row.n_reference))
        else:
            odd = values[0] - finite[0], values[1] - finite[1]
            if self.meaning.kind(mostly_text=sum(texts) > sum(finite)) == "category":
                yield self._categories((values[0] - texts[0], values[1] - texts[1]))
            else:
                row = self._numbers(finite)
                if not any(finite) and all(map(sum, zip(missing, values, strict=True))):
                    fill(row, verdict="none", reason="no number on either side")
                yield row
                if any(odd) and any(finite):
                    yield self._rate("not a number", odd, finite)
            if any(missing) and any(values):
                yield self._rate("missing", missing, values)

    def _counts(self, core: _core.Profile, tally: tuple[Any, ...] | None) -> tuple[int, ...]:
        """Return the counts of a side; images without an Exif tag count even if no image has it."""
        if tally:
            return tally[2:]
        unset = 0
        if self.meaning.family == "Exif":
            unset = core.exif_read(self.name, self.meaning.origin == "personal exif")
        return unset, unset, 0, 0, 0

    def _row(self, kind: DriftKind, n: Sequence[int], **fields: Any) -> FeatureDrift:
        name = f"{self.name}:{kind}" if kind in ("missing", "not a number") else self.name
        fields |= self.about
        return FeatureDrift(feature=name, kind=kind, n_target=n[0], n_reference=n[1], **fields)

    def _numbers(self, n: Sequence[int]) -> FeatureDrift:
        """Return the row of numbers: tested by rank scores, hues by Kuiper, pixels not."""
        row = self._row(self.meaning.kind(), n, reason=self.meaning.untested)
        if 0 in n:
            return row
        tested = self.tested and row.kind != "pixels"
        fields, sizes, p_value, one_value = _core.compare_numbers(
            *self.cores, self.name, self.meaning.is_circular, tested, self.by.delta
        )
        fill(row, **fields)
        for end in (1, 2):  # the size that is certainly large enough; otherwise one that may be
            name = carrying({name: size[end] for name, size in sizes.items()}, self.by)
            if self.by.reaches(name, sizes[name][1]):
                break
        rest_on(row, name, sizes[name], p_value if tested and not row.reason else None)
        if one_value and not row.reason:  # those of pixels have one
            fill(row, **ONE_VALUE)
        return row

    def _categories(self, others: tuple[int, int]) -> FeatureDrift:
        """Return the row of categories by a permuted chi-square test.

        `others`, the values that are not strings, form one category.
        """
        target, reference = strings = sentences.strings_of(self.cores, self.name)
        n = target.n + others[0], reference.n + others[1]
        row = self._row("category", n, **_listed(*strings))
        if 0 in n:
            return row
        result = _core.compare_categories(target, others[0], reference, others[1], self.tested)
        size, p = result.pop("statistic"), result.pop("p_value")
        fill(row, **result)
        rest_on(row, "total variation", size, p if self.tested else None)
        if len({value for each in strings for value, _, _ in each.items()}) + any(others) == 1:
            fill(row, **ONE_VALUE)
        return row

    def _rate(self, kind: DriftKind, hits: Sequence[int], others: Sequence[int]) -> FeatureDrift:
        """Return the row of a rate by Fisher's exact test.

        `hits` and `others` together are all observations.
        """
        n = hits[0] + others[0], hits[1] + others[1]
        listed = {} if kind == "missing" else _listed(*sentences.strings_of(self.cores, self.name))
        row = self._row(kind, n, **listed)
        if 0 not in n:
            rates = hits[0] / n[0], hits[1] / n[1]
            fill(row, level_target=rates[0], level_reference=rates[1])
            p = [_core.fisher_exact(hits[0], n[0], hits[1], n[1])] * 3 if self.tested else None
            rest_on(row, "difference", [abs(rates[0] - rates[1])] * 3, p)
        return row


def _listed(*sides: _core.FrequentStrings) -> dict[str, Any]:
    """Return the values that only the target lists, and those that only the reference lists."""
    target, reference = (
        {value: FrequentItem(value, high, high, low) for value, low, high in side.items()}
        for side in sides
    )
    new = (target[value] for value in target if value not in reference)
    vanished = (reference[value] for value in reference if value not in target)
    return {"new_values": tuple(new), "vanished_values": tuple(vanished)}


def _name_gray(rows: Iterable[FeatureDrift]) -> None:
    """Call the channels of gray images brightness, because all of them equal it."""
    by_name = {row.feature: row for row in rows if row.prefix}
    for name, row in by_name.items():
        _, is_brightness, scalar = name.partition(".Brightness.")
        channels = [f"{row.prefix}.{each}.{scalar}" for each in ("Red", "Green", "Blue")]
        same = [by_name[each] for each in channels if is_brightness and each in by_name]
        if all(each.levels == row.levels for each in same):
            for each in same:
                fill(each, name=row.name, topic=row.topic)


# Number of images by prefix and reading; see `ProfileView.readings`.
Readings = Mapping[str, Mapping[str, int]]

# First parts of names of numbers of pixels, which some Exif tags share.
_OF_PIXELS = {name.partition(".")[0] for name, n in IMAGE_NUMBERS.items() if n.topic != "size"}
_OF_NO_PIXEL = TAKEN - _OF_PIXELS
# First parts of names of numbers that do not change if red and blue are exchanged.
_OF_ANY_ORDER = {"Brightness", "Saturation", "Green", "glare_percent", "gray_percent"}

DIFFERENTLY = "read differently: "  # beginning of a reason

_LONGEST = 120  # characters


class Unlike:
    """Describe how the readings of two sides differ.

    Numbers of pixels are not compared if `value_range` or `pyramid_level` differs; numbers that
    depend on the order of colours are not compared if `channels` differs. Other differences are
    only reported, and only if no reading occurs on both sides. Unknown options, and options that do
    not affect the images, do not count as differences.

    Attributes
    ----------
    sentence
        All differences in a sentence; empty if there are none.
    """

    def __init__(self, target: Readings, reference: Readings) -> None:
        """Compare the readings of both sides, by prefix."""
        self._by_prefix = {
            prefix: differences
            for prefix in sorted(target.keys() & reference.keys())
            if (differences := dict(_differences(target[prefix], reference[prefix])))
        }
        self._prefixes = target.keys() | reference.keys()
        parts = []
        for prefix, differences in self._by_prefix.items():
            whose = "" if len(self._prefixes) == 1 else f" of {shorten(prefix, _LONGEST)}"
            words = "; ".join(differences.values())
            parts.append(f"The images{whose} were read differently: {words}.")
            if not differences.keys().isdisjoint(_OF_ALL):
                parts.append("What was measured from pixels is not compared.")
            elif "channels" in differences:
                parts.append("Numbers that depend on the order of colours are not compared.")
        self.sentence = " ".join(parts)

    def reason(self, feature: str) -> str:
        """Return why a feature is not compared; empty if it is compared."""
        if not self._by_prefix:
            return ""
        prefix = prefix_of(feature, self._prefixes)
        first, _, rest = feature.removeprefix(f"{prefix}.").partition(".")
        if first in _OF_NO_PIXEL or rest == ERROR:
            return ""
        for option, words in self._by_prefix.get(prefix, {}).items():
            if option in _OF_ALL or (option == "channels" and first not in _OF_ANY_ORDER):
                return f"{DIFFERENTLY}{words}"
        return ""


# Options that affect all numbers of pixels.
_OF_ALL = ("value_range", "value_range of floats", "pyramid_level")
# Descriptions of missing options. Differences in those of `_SAID` are only reported.
_SAID = {"samples": "8 bits", "ignore": "nothing", "frames": "first", "bands": "none"}
_DEFAULTS = {"pyramid_level": 0, **_SAID}


def _way(option: str, fields: Mapping[str, Any]) -> str:
    """Return the value of an option as text; empty if unknown or without effect on the image."""
    way = fields.get(option, _DEFAULTS.get(option, ""))
    if option.startswith("value_range"):
        kind = "float" if option.endswith("floats") else "integer"
        way = fields.get("value_range", "by default") if fields.get("samples") == kind else ""
    return way if isinstance(way, str) else json.dumps(way)


def _differences(target: Iterable[str], reference: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the options that differ, and how in words."""
    sides = [[reading_fields(text) for text in side] for side in (reference, target)]
    for option in ("channels", *_OF_ALL, *_SAID):
        theirs, ours = ({_way(option, fields) for fields in side} - {""} for side in sides)
        if ours and theirs and (ours.isdisjoint(theirs) if option in _SAID else ours != theirs):
            yield option, f"{option} {beside(theirs, ours)}"


def beside(reference: Collection[str], target: Collection[str]) -> str:
    """Return how the sides differ in words."""
    theirs, ours = (shorten(" and ".join(sorted(ways)), _LONGEST) for ways in (reference, target))
    return f"{theirs} in the reference, {ours} in the target"


def reading_like(
    readings: Mapping[str, int], options: ReadingOptions, reading: Reading | None
) -> Reading:
    """Return how to read images for a comparison with others.

    Parameters
    ----------
    readings
        Number of the other images by reading.
    options
        Single options; all others are those of most other images.
    reading
        Complete reading, which replaces that of the others; `options` override it.
    """
    usual: ReadingOptions = reading_options(readings) if reading is None else {}
    if (usual | options).get("bands"):
        usual.pop("channels", None)  # of bands there is no order
    return reading_of(reading, usual | options, ("level", "reading"))
