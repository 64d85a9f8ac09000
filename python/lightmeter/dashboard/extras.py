"""What a live site adds to the pages, such as forms. A static one adds nothing."""

from lightmeter.dashboard.history import History
from lightmeter.report.charts.html import Content


class Extras:
    """Nothing; a live site has a subclass.

    Attributes:
        forms: whether pages may have forms, which send to the site itself.
        whose: differs between two who may see different things.
    """

    forms = False
    whose = ""

    def made_of(self) -> str:
        """Changes with what is added."""
        return ""

    def failure(self) -> str:
        """Why the monitors could not judge what is new, in words; empty where they could."""
        return ""

    def state_of(self, history: History) -> str:
        """How a dataset or segment stands."""
        return history.state

    def on_index(self, page: str) -> Content:
        """Below the datasets."""
        return None

    def on_dataset(self, page: str, history: History) -> Content:
        """Above the features."""
        return None
