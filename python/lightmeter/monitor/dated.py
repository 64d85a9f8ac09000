"""How old the dates of a bucket are."""

from datetime import datetime

from lightmeter import _core
from lightmeter.profile import ColumnView
from lightmeter.times import DAY, EPOCH


class DateColumn(ColumnView):
    """A feature of dates, which knows when its bucket ended."""

    def __init__(self, name: str, core: _core.Profile, end: datetime) -> None:
        """`end` is that of the bucket."""
        super().__init__(name, core)
        self._end = end

    @property
    def lag(self) -> float | None:
        """Days from the mean date to the end of the bucket; None without dates."""
        mean = self.mean
        return None if mean is None else (self._end - EPOCH) / DAY - mean


def lag_of(column: ColumnView) -> float | None:
    """`DateColumn.lag`; None of any other feature, and where no bucket is known."""
    return column.lag if isinstance(column, DateColumn) else None
