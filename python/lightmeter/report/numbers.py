"""The numbers of a feature, each under the name that a report gives it."""

from lightmeter.drift.row import RATES, FeatureDrift
from lightmeter.text import NONE, count, number, percent
from lightmeter.times import day

MEANINGS = {
    "size": "How large the change is, by the measure that tells most. Shift: D. Spread: the "
    "logarithm of how many times as wide the target is. Tail: the share of the target below the "
    "reference's 1 % point or above its 99 % point, less that of the reference. Of categories half "
    "the sum of all differences of shares, of rates their difference.",
    "D": "Kolmogorov and Smirnov's statistic: the largest difference between the shares of values "
    "below any threshold. 0 for equal distributions, 1 for disjoint ones. For hue, Kuiper's V on "
    "the colour circle.",
    "p": "How often chance alone would give a difference this large, if both sides were drawn from "
    "one distribution.",
    "q": "p, corrected for testing many features at once (Benjamini and Hochberg). The verdict "
    "uses it.",
    "Hellinger": "Distance of the histograms, 0 to 1; the part that any two samples of these sizes "
    "have by chance is subtracted.",
    "moved by": "Wasserstein distance: how far the values lie apart on average, in their own unit.",
    "PSI": "Population stability index of the same histograms.",
    "JS": "Jensen-Shannon distance of the same histograms.",
}


def numbers_of(line: FeatureDrift) -> dict[str, float | None]:
    """The test and the distances."""
    return {
        "size": line.effect,
        "D": line.ks,
        "p": line.p_value,
        "q": line.q_value,
        "Hellinger": line.hellinger_debiased,
        "moved by": line.wasserstein,
        "PSI": line.psi,
        "JS": line.js,
    }


def sizes(line: FeatureDrift) -> dict[str, str]:
    """How many values were compared."""
    return {"values": f"{count(line.n_reference)} / {count(line.n_target)}"}


def levels(line: FeatureDrift) -> dict[str, str]:
    """The means or the rates of both sides; nothing where there are none."""
    if line.level_reference is None or line.level_target is None:
        return {}
    if line.kind in RATES:
        return {
            "rate, reference": percent(line.level_reference),
            "rate, target": percent(line.level_target),
        }
    show = day if line.role == "date" else number
    return {
        "mean, reference": show(line.level_reference),
        "mean, target": show(line.level_target),
    }


def change(line: FeatureDrift) -> str:
    """From the reference's mean, rate or values to the target's; a dash where there are none."""
    if line.kind == "category":
        new, gone = len(line.new_values), len(line.vanished_values)
        parts = [f"{new} new"] * (new > 0) + [f"{gone} gone"] * (gone > 0)
        return ", ".join(parts) or NONE
    return " → ".join(levels(line).values()) or NONE


def cells(line: FeatureDrift) -> dict[str, str]:
    """What a table of features says of each, by the heads of its columns."""
    numbers = numbers_of(line)
    return {
        "change": line.reason if line.verdict == "not enough data" else change(line),
        "measure": line.effect_name or NONE,
        **{name: number(numbers[name], 2) for name in ("size", "q", "D", "Hellinger")},
        **sizes(line),
    }
