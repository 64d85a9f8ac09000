"""What the live pages have beyond the static ones: how the monitors do, and forms."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.history import History, IncidentGroup, worst
from lightmeter.dashboard.parts import address
from lightmeter.draw.document import section
from lightmeter.draw.html import Content, Html, tag
from lightmeter.monitor.sitemap import dataset_page, slug
from lightmeter.serve.live import Live
from lightmeter.serve.security import form_token
from lightmeter.store.keys import Key
from lightmeter.store.records import Line
from lightmeter.text import shorten
from lightmeter.times import to_ms

__all__ = ["ACKNOWLEDGE", "MOST_NOTE", "RUN", "SNOOZE", "WATCH", "LiveExtras", "line_text"]

# Where forms are sent to, below the app.
WATCH, RUN = "forms/watch", "forms/run"
ACKNOWLEDGE, SNOOZE = "forms/acknowledge", "forms/snooze"

MOST_NOTE = 500  # characters
_HOUR = 3600
_ENOUGH = 14  # buckets for drift against those before
_LIKELY = ("training", "train", "reference", "baseline")


def line_text(line: Line) -> str:
    """A line of a dataset or segment for a form, where names are not safe from being changed."""
    return f"{slug(line.monitor)}/{slug(line.feature)}"


class LiveExtras(Extras):
    """Of one server, for one key: only what that may do."""

    forms = True

    def __init__(self, live: Live, key: Key) -> None:
        """As it is now."""
        self._live, self._key = live, key
        self.whose = f"{key.id}/{','.join(sorted(key.rights))}"
        # Tokens are made once an hour, so that pages can be kept.
        self._hour = int(time.time()) // _HOUR * _HOUR

    def made_of(self) -> str:
        """Changes with what is added."""
        monitors, schedule = self._live.monitors, self._live.schedule
        file = (monitors.monitors(), monitors.error()) if monitors is not None else ()
        run = (schedule.last, schedule.running_since, schedule.is_asked) if schedule else ()
        return repr((self._hour, file, run, sorted(self._live.server.store.datasets())))

    def failure(self) -> str:
        """Why the monitors could not judge what is new, in words; empty where they could."""
        monitors, schedule = self._live.monitors, self._live.schedule
        if monitors is not None and monitors.error():
            return "The file of monitors is not understood"
        last = schedule.last if schedule is not None else None
        return "" if last is None or last.judged else "The monitors could not judge"

    def state_of(self, history: History) -> str:
        """An error in place of what an earlier run found, where the last one could not judge."""
        monitors = self._live.monitors
        if monitors is None or not self.failure():
            return history.state
        watched = monitors.monitors()  # empty where the file is not understood
        is_watched = history.dataset in watched if watched else bool(history.lines)
        return worst([history.state, "error"]) if is_watched else history.state

    def on_index(self, page: str) -> Content:
        """How the last run ended, and a button for the next one."""
        monitors, schedule = self._live.monitors, self._live.schedule
        if monitors is None or schedule is None:
            return None
        words: list[Html] = []
        if error := monitors.error():
            words.append(self._error("The file of monitors is not understood", error))
        elif not monitors.monitors():
            words.append(tag("p", "No monitor is switched on: see the page of a dataset."))
        last = schedule.last
        if schedule.running_since is not None or schedule.is_asked:
            words.append(tag("p", "The monitors run now."))
        elif last is not None:
            result = f" and {last.words}" if self._key.sees_all else ""  # in whatever dataset
            words.append(tag("p", f"The monitors ran at {_at(last.began)}{result}."))
            if last.error:
                words.append(self._error("The last run had an error", last.error))
        elif monitors.monitors():
            words.append(tag("p", "The monitors have not run since this server was started."))
        may_run = self._key.may("write") and monitors.monitors()
        button = self._form(page, RUN, tag("button", "Run now")) if may_run else None
        return section("Monitors", words, button)

    def on_dataset(self, page: str, history: History) -> Content:
        """Which monitors watch it, or a button that switches some on."""
        file = self._live.monitors
        if history.segment or file is None:
            return None
        names = file.monitors().get(history.dataset, ())
        if names:
            button = tag("button", "Run now")
            form = self._form(page, RUN, button) if self._key.may("write") else None
            return section("Monitors", _named(names), form)
        if elsewhere := self._live.watching_elsewhere(history.dataset):
            words = tag("p", "They are in another file than that of this server.", cls="quiet")
            return section("Monitors", _named(elsewhere), words)
        if error := file.error():
            return section("Monitors", self._error("The file of monitors is not understood", error))
        if not self._key.may("admin"):
            words = tag("p", "No monitor is switched on. A key with the right to admin can do it.")
            return section("Monitors", words)
        return section("Monitors", self._watch(page, history))

    def on_incident(self, page: str, group: IncidentGroup) -> Content:
        """Forms that say that somebody knows of it, or wants to hear no more for a while."""
        if not group.open or not self._key.may("write"):
            return None
        lines = {incident.line for incident in group.incidents}
        about = {
            "place": group.history.page,
            "start": str(to_ms(group.start)),
            "kind": group.kind,
            "line": line_text(lines.pop()) if len(lines) == 1 else "",
        }
        later = datetime.fromtimestamp(self._hour, UTC) + timedelta(days=1, hours=1)
        return tag(
            "details",
            tag("summary", "Acknowledge or snooze"),
            self._form(page, ACKNOWLEDGE, _note("Note"), tag("button", "Acknowledge"), **about),
            self._form(
                page,
                SNOOZE,
                tag(
                    "label",
                    "Until, in UTC ",
                    tag(
                        "input",
                        type="datetime-local",
                        name="until",
                        value=f"{later:%Y-%m-%dT%H:%M}",
                        required="",
                    ),
                ),
                _note("Note"),
                tag("button", "Snooze"),
                **about,
            ),
        )

    def _watch(self, page: str, history: History) -> Html:
        buckets, dataset = len(history.buckets), history.dataset
        others = [
            name
            for name in self._live.server.store.datasets()
            if name != dataset and self._key.sees(name)
        ]
        likely = [name for name in others if any(word in name.lower() for word in _LIKELY)]
        chosen = likely[0] if likely and buckets <= _ENOUGH else None
        options = [tag("option", f"the {2 * _ENOUGH} buckets before", value="")]
        options += [
            tag(
                "option",
                f"the dataset {shorten(name, 60)}",
                value=dataset_page(name),
                selected="" if name == chosen else None,
            )
            for name in others
        ]
        hint = (
            f"Against the buckets before it, drift is judged from bucket {_ENOUGH + 1} on; there "
        )
        hint += f"{'is' if buckets == 1 else 'are'} {buckets}."
        return self._form(
            page,
            WATCH,
            tag("label", "Compare with ", tag("select", options, name="reference")),
            tag("button", "Switch on the recommended monitors"),
            tag("p", hint, cls="quiet"),
            place=history.page,
        )

    def _form(self, page: str, to: str, *content: Content, **hidden: str) -> Html:
        token = form_token(self._live.server, self._key, to, now=self._hour)
        hidden = {"token": token, "back": page, **hidden}
        inputs = (tag("input", type="hidden", name=k, value=v) for k, v in hidden.items())
        return tag("form", inputs, content, method="post", action=address(page, to))

    def _error(self, words: str, error: str) -> Html:
        """An error, which may name any dataset."""
        if not self._key.sees_all:
            return tag("p", f"{words}; a key for all datasets sees it.", cls="verdict drift")
        public = shorten(self._live.public(error), 500)
        return tag("p", f"{words}: ", tag("bdi", public), cls="error")


def _named(names: Sequence[str]) -> Html:
    shown = shorten(", ".join(names), 300)
    many = f"{len(names)} monitor{'' if len(names) == 1 else 's'}: "
    return tag("p", many, tag("bdi", shown), ".")


def _note(label: str) -> Html:
    return tag("label", f"{label} ", tag("input", name="note", maxlength=MOST_NOTE))


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
