"""Categories, and numbers of which there are few, by the largest change of a share."""

from lightmeter.drift.describe.amounts import direction, shares_from_to
from lightmeter.drift.describe.comparatives import in_so_many, subject, unit
from lightmeter.drift.describe.sides import all_listed, string_changes
from lightmeter.drift.row import FeatureDrift
from lightmeter.drift.shape import Numbers
from lightmeter.drift.shares import Share, ShareChange, changes_of_values
from lightmeter.text import MOST_DIGITS, number, percent, shorten

_LONGEST = 60  # characters of a value
_WORTH_SAYING = 0.05  # of the values; a new value that is rarer is not said beside a larger change
_NAMED = 0.1  # of the values; where all are new and each is rarer, none is worth a word
# Distinct numbers up to which shares say more than a mean. Those of files are often codes.
_FEW = 3
_FEW_CODES = 10


def category_change(line: FeatureDrift) -> str:
    """Such as ``Model 'iPhone 12' fell from 50 % to 15 %``."""
    name, changes = line.name, string_changes(line)
    if not changes or changes[0].size <= 0:
        return f"the shares of {name} changed"
    first = changes[0]
    if first.size < _NAMED and all(change.is_new or change.is_gone for change in changes):
        return f"all values of {name} are new"
    if first.is_new or first.is_gone:
        parts = [f"{name} has {_new_or_gone(first, changes)}"]
    else:
        verb = "rose" if first.rose else "fell"
        parts = [f"{name} {_value(first)} {verb} {_from_to(first.before, first.after)}"]
    for kind in ("is_new", "is_gone"):
        others = [change for change in changes if getattr(change, kind)]
        if others and others[0].size >= _WORTH_SAYING and not getattr(first, kind):
            parts.append(_new_or_gone(others[0], changes))
    return ", ".join(parts)


def _new_or_gone(change: ShareChange, changes: list[ShareChange]) -> str:
    kind = "is_new" if change.is_new else "is_gone"
    more = sum(getattr(other, kind) for other in changes) - 1
    if change.is_new:
        text = f"new {_value(change)} ({_about(change.after)})"
        shares = [other.after for other in changes]
    else:
        text = f"no more {_value(change)} (was {_about(change.before)})"
        shares = [other.before for other in changes]
    # A side of very many values does not list them all.
    least = "" if all(share.low == share.high for share in shares) else "at least "
    return f"{text} and {least}{more} more" if more else text


def new_values(line: FeatureDrift) -> list[str]:
    """The new and the vanished texts of a rate with their counts, as far as they are certain."""
    parts = []
    in_target, in_reference = all_listed(line)
    for word, items in (("new", line.new_values), ("no more", line.vanished_values)):
        own, other = (in_target, in_reference) if word == "new" else (in_reference, in_target)
        if items and other:
            least = "" if own else "at least "
            about = "" if items[0].lower == items[0].upper else "about "
            more = f" and {least}{len(items) - 1} more" if len(items) > 1 else ""
            parts.append(
                f"{word} '{shorten(items[0].value, _LONGEST)}' ({about}{items[0].est}){more}"
            )
    return parts


def is_of_few_values(line: FeatureDrift, target: Numbers, reference: Numbers) -> bool:
    """Whether shares say more of these numbers than a mean: some side has several, of a few."""
    sizes = len(target.values), len(reference.values)
    most = _FEW_CODES if line.group in ("Exif", "file") else _FEW
    if not 2 <= max(sizes) <= most:
        return False
    distinct = {*target.values.tolist(), *reference.values.tolist()}
    return len(distinct) <= most and all(value == round(value) for value in distinct)


def few_values_change(line: FeatureDrift, target: Numbers, reference: Numbers) -> str:
    """Such as ``has_gps = 1 rose from 20 % to 51 %``."""
    changes = changes_of_values(target, reference)
    largest = [change for change in changes if change.size > changes[0].size - 1e-9]
    # Of two values that swap, the greater is said: it is the "yes" of a question.
    first = max(largest, key=lambda change: float(change.value or 0.0))
    before, after = first.before.low, first.after.low
    value = number(float(first.value or 0.0), MOST_DIGITS)
    if line.scale == "percent" and percent(after) != percent(before):
        return f"{subject(line)} is {value}{unit(line)} {in_so_many(line, after, before)}"
    return f"{line.name} = {value} {direction(before, after)} {shares_from_to(before, after)}"


def _value(change: ShareChange) -> str:
    if change.value is None:
        return "numbers"
    return f"'{shorten(change.value, _LONGEST)}'"


def _from_to(before: Share, after: Share) -> str:
    if before == (before.low,) * 2 and after == (after.low,) * 2:
        return shares_from_to(before.low, after.low)
    return f"from {_about(before)} to {_about(after)}"


def _about(share: Share) -> str:
    if share.low == share.high:
        return percent(share.low)
    if share.low == 0:
        most = percent(share.high)
        return most if most.startswith("<") else f"at most {most}"
    return f"about {percent((share.low + share.high) / 2)}"
