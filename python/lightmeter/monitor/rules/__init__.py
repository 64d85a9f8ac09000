"""Rules: each decides whether a bucket is an anomaly beside its baseline.

To add a rule, write a model with its keys and `measure` in a file of its own, and add it to
`AnyMonitor`.
"""

from typing import Annotated

from pydantic import Field, TypeAdapter

from lightmeter.errors import StoreError
from lightmeter.monitor.rules.contract import ContractRule
from lightmeter.monitor.rules.drift import DriftRule
from lightmeter.monitor.rules.interval import IntervalRule
from lightmeter.monitor.rules.missing import MissingRule
from lightmeter.monitor.rules.trend import TrendRule
from lightmeter.nesting import parse_json
from lightmeter.store.tables import Source

AnyMonitor = Annotated[
    DriftRule | IntervalRule | ContractRule | MissingRule | TrendRule, Field(discriminator="type")
]

_ANY: TypeAdapter[AnyMonitor] = TypeAdapter(AnyMonitor)


def monitor_of(source: Source) -> AnyMonitor:
    """Return a monitor as it was in its last run.

    Raises
    ------
    StoreError
        Its stored table is damaged, or that of another version.
    """
    try:
        return _ANY.validate_python(parse_json(source.config), strict=False)
    except ValueError:
        text = f"the stored table of the monitor {source.monitor!r} is invalid; run it again"
        raise StoreError(text) from None


__all__ = ["AnyMonitor", "ContractRule", "DriftRule", "IntervalRule", "MissingRule", "TrendRule"]
