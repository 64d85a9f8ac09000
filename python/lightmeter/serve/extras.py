"""The parts that live pages add to static ones: the state of the monitors, and forms."""

import re
from collections.abc import Sequence

from lightmeter.dashboard.history import History, worst
from lightmeter.dashboard.pages.parts import Extras, address
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.report.charts.html import Content, Html, section, tag
from lightmeter.serve.monitors_file import Contents
from lightmeter.serve.server import Server
from lightmeter.store.keys import Key
from lightmeter.text import counted, shorten

WATCH = "forms/watch"  # the target of the form, below the app

_LIKELY = re.compile("train|reference|baseline", re.IGNORECASE)  # preselected references
_NOT_UNDERSTOOD = "The file of monitors is invalid"


class LiveExtras(Extras):
    """The additions of a server for one key, restricted to its rights."""

    forms = True

    def __init__(self, server: Server, key: Key) -> None:
        """Read the current state of the monitors."""
        self._server, self._key = server, key
        self._monitors, self._error = server.monitors.read() if server.monitors else Contents({})
        self._last = server.schedule.last
        self._runs = server.schedule.is_running or server.schedule.is_asked
        whose = key.id, sorted(key.rights)
        self.key = repr((whose, self._monitors, self._error, self._last, self._runs))

    def failure(self) -> str:
        """Return the reason why the monitors could not judge new buckets; empty if they could."""
        if self._error:
            return _NOT_UNDERSTOOD
        judged = self._last is None or self._last.judged
        return "" if judged else "The monitors could not judge"

    def state_of(self, history: History) -> str:
        """Return the state, which is at least an error if the last run could not judge."""
        if not self.failure():
            return history.state
        # If the file is invalid, no monitors are known.
        watched = history.dataset in self._monitors if self._monitors else bool(history.newest)
        return worst([history.state, "error"]) if watched else history.state

    def on_index(self, page: str) -> Content:
        """Return a section about the monitors and their last run."""
        if self._server.monitors is None:
            return None
        last, words = self._last, list[Html]()
        if self._error:
            words.append(self._error_line(_NOT_UNDERSTOOD, self._error))
        elif not self._monitors:
            words.append(tag("p", "No monitor is on. The page of a dataset can switch some on."))
            words += self._earlier(*self._server.store.datasets())
        if self._runs:
            words.append(tag("p", "The monitors run now."))
        elif last is not None:
            words.append(tag("p", f"The monitors ran at {last.began:%Y-%m-%d %H:%M} UTC."))
            words += [self._error_line("The last run had an error", last.error)] * bool(last.error)
        return section("Monitors", words)

    def on_dataset(self, page: str, history: History) -> Content:
        """Return the monitors of a dataset, or a button that switches some on."""
        if history.segment or self._server.monitors is None:
            return None
        dataset = history.dataset
        if names := self._monitors.get(dataset) or self._server.watching_elsewhere(dataset):
            return section("Monitors", _named(names))
        if self._error:
            return section("Monitors", self._error_line(_NOT_UNDERSTOOD, self._error))
        if self._key.may("admin"):
            content = self._watch_form(page, history)
        else:
            content = tag("p", "No monitor is on. A key with the right to admin can switch it on.")
        return section("Monitors", content, self._earlier(dataset))

    def _earlier(self, *datasets: str) -> list[Html]:
        """Return a note about the monitors whose results are shown, if they are not in the file."""
        sources, seen = self._server.store.state.sources(), set(filter(self._key.sees, datasets))
        names = sorted({each.monitor for each in sources if each.dataset in seen})
        return [_named(names, "These results are from ")] if names else []

    def _watch_form(self, page: str, history: History) -> Html:
        options = [tag("option", "the buckets before", value="")]
        for name in self._server.store.datasets():
            if name != history.dataset and self._key.sees(name):
                text, chosen = f"the dataset {shorten(name, 60)}", _LIKELY.search(name) and ""
                options.append(tag("option", text, value=dataset_page(name), selected=chosen))
        select = tag("label", "Compare with ", tag("select", options, name="reference"))
        button = tag("button", "Switch on the recommended monitors")
        hidden = tag("input", type="hidden", name="place", value=history.page)
        return tag("form", hidden, select, button, method="post", action=address(page, WATCH))

    def _error_line(self, words: str, error: str) -> Html:
        """Return an error, with details only for a key that may see all datasets."""
        if not self._key.sees_all:
            return tag("p", f"{words}; a key for all datasets sees it.", cls="verdict drift")
        public = shorten(self._server.public(error), 500)
        return tag("p", f"{words}: ", tag("bdi", public), cls="error")


def _named(names: Sequence[str], before: str = "") -> Html:
    listed = tag("bdi", shorten(", ".join(names), 300))
    return tag("p", f"{before}{counted(len(names), 'monitor')}: ", listed, ".")
