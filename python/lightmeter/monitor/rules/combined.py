"""The rule on what other monitors found."""

from dataclasses import dataclass
from typing import Literal

from lightmeter.monitor.rules.rule import RULES, Rule


@RULES("all", "any")
@dataclass(frozen=True, kw_only=True)
class CombinedRule(Rule):
    """An anomaly of all, or of any, of other monitors of the dataset in the same bucket.

    Segments are judged too: with ``"all"`` if every monitor in `of` watches segments, with
    ``"any"`` if at least one does.

    Attributes:
        type: ``"all"`` or ``"any"``.
        of: names of monitors that stand above in the file.
    """

    type: Literal["all", "any"]
    of: tuple[str, ...]
