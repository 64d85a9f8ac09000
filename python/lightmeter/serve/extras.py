"""What the live pages have beyond the static ones: how the monitors do, and forms."""

from collections.abc import Sequence

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History, worst
from lightmeter.dashboard.parts import address
from lightmeter.draw.document import section
from lightmeter.draw.html import Content, Html, tag
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.serve.monitors_file import Contents
from lightmeter.serve.server import Server
from lightmeter.store.keys import Key
from lightmeter.text import shorten

WATCH, RUN = "forms/watch", "forms/run"  # where forms are sent to, below the app

_ENOUGH = 14  # buckets for drift against those before
_LIKELY = ("training", "train", "reference", "baseline")
_NOT_UNDERSTOOD = "The file of monitors is not understood"


class LiveExtras(Extras):
    """Of one server, for one key: only what that may do."""

    forms = True

    def __init__(self, server: Server, key: Key) -> None:
        """As it is now."""
        self._server, self._key = server, key
        self._monitors, self._error = server.monitors.read() if server.monitors else Contents()
        self._last = server.schedule.last if server.schedule is not None else None
        self.whose = f"{key.id}/{','.join(sorted(key.rights))}"

    def made_of(self) -> str:
        """Changes with what is added."""
        schedule = self._server.schedule
        run = (self._last, schedule.running_since, schedule.is_asked) if schedule else ()
        return repr((self._monitors, self._error, run, sorted(self._server.store.datasets())))

    def failure(self) -> str:
        """Why the monitors could not judge what is new, in words; empty where they could."""
        if self._error:
            return _NOT_UNDERSTOOD
        judged = self._last is None or self._last.judged
        return "" if judged else "The monitors could not judge"

    def state_of(self, history: History) -> str:
        """An error in place of what an earlier run found, where the last one could not judge."""
        if not self.failure():
            return history.state
        # No monitors are known where the file is not understood.
        watched = history.dataset in self._monitors if self._monitors else bool(history.lines)
        return worst([history.state, "error"]) if watched else history.state

    def on_index(self, page: str) -> Content:
        """How the last run ended, and a button for the next one."""
        schedule, last = self._server.schedule, self._last
        if schedule is None:
            return None
        words: list[Html] = []
        if self._error:
            words.append(self._error_line(_NOT_UNDERSTOOD, self._error))
        elif not self._monitors:
            words.append(tag("p", "No monitor is switched on: see the page of a dataset."))
        if schedule.running_since is not None or schedule.is_asked:
            words.append(tag("p", "The monitors run now."))
        elif last is not None:
            result = f" and {last.words}" if self._key.sees_all else ""  # in whatever dataset
            words.append(tag("p", f"The monitors ran at {last.began:%Y-%m-%d %H:%M} UTC{result}."))
            if last.error:
                words.append(self._error_line("The last run had an error", last.error))
        elif self._monitors:
            words.append(tag("p", "The monitors have not run since this server was started."))
        return section("Monitors", words, self._run_button(page) if self._monitors else None)

    def on_dataset(self, page: str, history: History) -> Content:
        """Which monitors watch it, or a button that switches some on."""
        if history.segment or self._server.monitors is None:
            return None
        if names := self._monitors.get(history.dataset, ()):
            return section("Monitors", _named(names), self._run_button(page))
        if elsewhere := self._server.watching_elsewhere(history.dataset):
            words = tag("p", "They are in another file than that of this server.", cls="quiet")
            return section("Monitors", _named(elsewhere), words)
        if self._error:
            return section("Monitors", self._error_line(_NOT_UNDERSTOOD, self._error))
        if not self._key.may("admin"):
            words = tag("p", "No monitor is switched on. A key with the right to admin can do it.")
            return section("Monitors", words)
        return section("Monitors", self._watch_form(page, history))

    def _watch_form(self, page: str, history: History) -> Html:
        buckets, dataset = len(history.buckets), history.dataset
        datasets = self._server.store.datasets()
        others = [name for name in datasets if name != dataset and self._key.sees(name)]
        likely = [name for name in others if any(word in name.lower() for word in _LIKELY)]
        chosen = likely[0] if likely and buckets <= _ENOUGH else None
        options = [tag("option", f"the {2 * _ENOUGH} buckets before", value="")]
        for name in others:
            marked = "" if name == chosen else None
            text = f"the dataset {shorten(name, 60)}"
            options.append(tag("option", text, value=dataset_page(name), selected=marked))
        count = f"there {'is' if buckets == 1 else 'are'} {buckets}"
        hint = "Against the buckets before it, drift is judged from bucket "
        return self._form(
            page,
            WATCH,
            tag("label", "Compare with ", tag("select", options, name="reference")),
            tag("button", "Switch on the recommended monitors"),
            tag("p", f"{hint}{_ENOUGH + 1} on; {count}.", cls="quiet"),
            place=history.page,
        )

    def _run_button(self, page: str) -> Html | None:
        return self._form(page, RUN, tag("button", "Run now")) if self._key.may("write") else None

    def _form(self, page: str, to: str, *content: Content, **hidden: str) -> Html:
        fields = {"back": page, **hidden}.items()
        inputs = (tag("input", type="hidden", name=name, value=value) for name, value in fields)
        return tag("form", inputs, content, method="post", action=address(page, to))

    def _error_line(self, words: str, error: str) -> Html:
        """An error, which may name any dataset."""
        if not self._key.sees_all:
            return tag("p", f"{words}; a key for all datasets sees it.", cls="verdict drift")
        public = shorten(self._server.public(error), 500)
        return tag("p", f"{words}: ", tag("bdi", public), cls="error")


def _named(names: Sequence[str]) -> Html:
    many = f"{len(names)} monitor{'' if len(names) == 1 else 's'}: "
    return tag("p", many, tag("bdi", shorten(", ".join(names), 300)), ".")
