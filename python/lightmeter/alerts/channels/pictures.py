"""The lines of a message as pictures, for channels that show them."""

from lightmeter.alerts.marks import mark_of
from lightmeter.alerts.message import Series
from lightmeter.draw.lines import Mark, description
from lightmeter.draw.png import trend_png

__all__ = ["picture", "words"]


def picture(series: Series) -> bytes:
    """A PNG."""
    return trend_png(series.title, _marks(series))


def words(series: Series) -> str:
    """What it shows, for who cannot see it."""
    return f"{series.title}: {description(_marks(series))}"


def _marks(series: Series) -> list[Mark]:
    return [mark_of(result) for result in series.results]
