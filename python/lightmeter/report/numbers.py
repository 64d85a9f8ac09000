"""The numbers of a feature, each under the name that a report gives it."""

from lightmeter.drift.row import RATES, FeatureDrift
from lightmeter.text import NONE, count, number, percent
from lightmeter.times import day

MEANINGS = {
    "size": "How large the change is. Shift: D. Spread: the logarithm of how many times as wide "
    "the target is. Tail: how much more of it lies beyond the reference's 1 and 99 % points. Of "
    "categories half the sum of all differences of shares, of rates their difference.",
    "D": "The largest difference between the shares of values below any threshold (Kolmogorov and "
    "Smirnov), 0 to 1. For hue, Kuiper's V on the colour circle.",
    "p": "How often chance alone gives a difference this large.",
    "q": "p, corrected for testing many features at once. The verdict uses it.",
    "Hellinger": "Distance of the histograms, 0 to 1, less what chance gives.",
}


def change(line: FeatureDrift) -> str:
    """From the reference's mean, rate or values to the target's; a dash where there are none."""
    if line.kind == "category":
        new, gone = len(line.new_values), len(line.vanished_values)
        parts = [f"{new} new"] * (new > 0) + [f"{gone} gone"] * (gone > 0)
        return ", ".join(parts) or NONE
    if line.level_reference is None or line.level_target is None:
        return NONE
    show = percent if line.kind in RATES else day if line.role == "date" else number
    return f"{show(line.level_reference)} → {show(line.level_target)}"


def cells(line: FeatureDrift) -> dict[str, str]:
    """What a table or card says of a feature, by name."""
    return {
        "change": line.reason if line.verdict == "not enough data" else change(line),
        "measure": line.effect_name or NONE,
        "size": number(line.effect, 2),
        "p": number(line.p_value, 2),
        "q": number(line.q_value, 2),
        "D": number(line.ks, 2),
        "Hellinger": number(line.hellinger_debiased, 2),
        "values": f"{count(line.n_reference)} / {count(line.n_target)}",
    }
