"""Saying what the verdicts of a comparison assume, which the data cannot verify."""

from lightmeter.drift.compare import Comparison, beside
from lightmeter.text import shorten

ASSUMED = "This assumes that images are independent. If they come in bursts or slides, say so by "
ASSUMED += "group= (on the command line, --group)."


def notes_of(comparison: Comparison) -> list[str]:
    """Return the assumptions as sentences."""
    return [*filter(None, (_of_groups(comparison), _of_decoders(comparison)))]


def _of_groups(comparison: Comparison) -> str:
    judged = [row for row in comparison.features if row.q_value is not None]
    alone = [row.feature for row in judged if row.groups_target is None]
    sides = {"target": comparison.target, "reference": comparison.reference}
    if not alone:
        counts = zip(sides, comparison.ungrouped, strict=True)
        parts = [f"{n} of {images} in the {side}" for side, (n, images) in counts if n]
        words = f"This assumes that images without a group are independent: {', '.join(parts)}."
        return words if parts else ""
    grouped, first = [side for side, view in sides.items() if view.groups], ""
    if len(grouped) == len(sides):
        names = shorten(", ".join(alone), 80)
        first = f"Groups are not used for {names}, because not all values have one. "
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
    first = "Not decoded alike: a small change may come from the decoder."
    return first + "".join(sentences) if unlike else ""
