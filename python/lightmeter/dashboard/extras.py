"""What a live site adds to the pages, such as forms. A static one adds nothing."""

from lightmeter.dashboard.history import History
from lightmeter.report.charts.html import Content


class Extras:
    """Nothing; a live site has a subclass.

    Attributes
    ----------
    forms
        Whether pages may have forms, which send to the site itself.
    key
        Differs between two who may see different things, and with what is added.
    """

    forms = False
    key = ""

    def failure(self) -> str:
        """Say why the monitors could not judge what is new; empty where they could."""
        return ""

    def state_of(self, history: History) -> str:
        """Return the state of a dataset or segment."""
        return history.state

    def on_index(self, page: str) -> Content:
        """Add something below the datasets."""
        return None

    def on_dataset(self, page: str, history: History) -> Content:
        """Add something above the features."""
        return None
