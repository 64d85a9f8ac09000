"""The parts that a live site adds to pages, such as forms; a static site adds none."""

from lightmeter.dashboard.history import History
from lightmeter.report.charts.html import Content


class Extras:
    """The additions of a static site, which are none; a live site has a subclass.

    Attributes
    ----------
    forms
        Whether pages may have forms that send to the site itself.
    key
        A cache key, which differs for callers with different rights, and for different additions.
    """

    forms = False
    key = ""

    def failure(self) -> str:
        """Return the reason why the monitors could not judge new buckets; empty if they could."""
        return ""

    def state_of(self, history: History) -> str:
        """Return the state of a dataset or segment."""
        return history.state

    def on_index(self, page: str) -> Content:
        """Return content to add below the datasets."""
        return None

    def on_dataset(self, page: str, history: History) -> Content:
        """Return content to add above the features."""
        return None
