"""Rules: what is an anomaly, given a bucket and what it is compared with.

A rule is a model with its keys and `measure`, in a file of its own, and a name in `AnyMonitor`.
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
    """Return a monitor as it was when it last ran.

    Raises
    ------
    StoreError
        What is kept of it is damaged, or of another version.
    """
    try:
        return _ANY.validate_python(parse_json(source.config), strict=False)
    except ValueError:
        text = f"what is kept of the monitor {source.monitor!r} is not understood; run it again"
        raise StoreError(text) from None


__all__ = ["AnyMonitor", "ContractRule", "DriftRule", "IntervalRule", "MissingRule", "TrendRule"]
