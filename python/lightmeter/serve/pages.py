"""The live pages of the dashboard, with the paths and contents of the static site, and forms."""

import re
from collections.abc import Mapping, Sequence

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from lightmeter.dashboard.history import History, worst
from lightmeter.dashboard.pages.parts import Extras, address
from lightmeter.dashboard.site import INDEX
from lightmeter.errors import ConfigError
from lightmeter.monitor.recommended import recommended_monitors
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.report.charts.html import Content, Html, content_policy, document, section, tag
from lightmeter.serve.security import FORM, FORMS, Admin, Caller, Reader, fields_of, kind_of
from lightmeter.serve.server import Server, add_monitors, monitors_in
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
        self._monitors, self._error = monitors_in(server.monitors)
        self._last = server.schedule.last
        self._runs = server.schedule.is_running or server.schedule.is_asked
        seen = key.id, sorted(key.rights), self._monitors, self._error, self._last, self._runs
        self.key = repr(seen)

    def sees(self, dataset: str) -> bool:
        """Return whether the key is valid for a dataset."""
        return self._key.sees(dataset)

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

    def on_index(self) -> Content:
        """Return a section about the monitors and their last run."""
        if self._server.monitors is None:
            return None
        words: list[Content] = [self._error_line(_NOT_UNDERSTOOD, self._error)]
        if not self._error and not self._monitors:
            words.append(tag("p", "No monitor is on. The page of a dataset can switch some on."))
            words.append(self._earlier(*self._server.store.datasets()))
        if self._runs:
            words.append(tag("p", "The monitors run now."))
        elif last := self._last:
            words.append(tag("p", f"The monitors ran at {last.began:%Y-%m-%d %H:%M} UTC."))
            words.append(self._error_line("The last run had an error", last.error))
        return section("Monitors", words)

    def on_dataset(self, history: History) -> Content:
        """Return the monitors of a dataset, or a button that switches some on."""
        if history.segment or self._server.monitors is None:
            return None
        dataset = history.dataset
        if names := self._monitors.get(dataset) or self._server.watching_elsewhere(dataset):
            return section("Monitors", _named(names))
        if self._error:
            return section("Monitors", self._error_line(_NOT_UNDERSTOOD, self._error))
        content = tag("p", "No monitor is on. A key with the right to admin can switch it on.")
        if self._key.may("admin"):
            content = self._watch_form(history)
        return section("Monitors", content, self._earlier(dataset))

    def _earlier(self, *datasets: str) -> Html | None:
        """Return a note about the monitors whose results are shown, if they are not in the file."""
        sources, seen = self._server.store.state.sources(), set(filter(self.sees, datasets))
        names = sorted({each.monitor for each in sources if each.dataset in seen})
        return _named(names, "These results are from ") if names else None

    def _watch_form(self, history: History) -> Html:
        options = [tag("option", "the buckets before", value="")]
        for name in self._server.store.datasets():
            if name != history.dataset and self.sees(name):
                text, chosen = f"the dataset {shorten(name, 60)}", _LIKELY.search(name) and ""
                options.append(tag("option", text, value=dataset_page(name), selected=chosen))
        select = tag("label", "Compare with ", tag("select", options, name="reference"))
        button = tag("button", "Switch on the recommended monitors")
        hidden = tag("input", type="hidden", name="place", value=history.page)
        return tag(
            "form", hidden, select, button, method="post", action=address(history.page, WATCH)
        )

    def _error_line(self, words: str, error: str) -> Html | None:
        """Return an error, if there is one, with details only for a key that sees all datasets."""
        if not error:
            return None
        if not self._key.sees_all:
            return tag("p", f"{words}; a key for all datasets sees it.", cls="verdict drift")
        public = shorten(self._server.public(error), 500)
        return tag("p", f"{words}: ", tag("bdi", public), cls="error")


def _named(names: Sequence[str], before: str = "") -> Html:
    listed = tag("bdi", shorten(", ".join(names), 300))
    return tag("p", f"{before}{counted(len(names), 'monitor')}: ", listed, ".")


# In the query after a requested run: the page reloads itself until the run has ended.
_ASKED = "run"
_IN_A_BROWSER = "In a browser the password is the key. The name can be anything. "
_HOW_TO_LOG_IN = tag("p", _IN_A_BROWSER, tag("a", "Log in", href=""))
_TITLES = {401: "Log in", 403: "Not allowed", 404: "Not found"}

router = APIRouter(include_in_schema=False)


def is_page(path: str) -> bool:
    """Return whether a path is a page for people, so that errors are pages, too."""
    html = path.endswith(".html") and not path.startswith("/api/")
    return html or path in ("", "/") or path.startswith(FORMS)


def refusal_page(status: int, words: str, headers: Mapping[str, str]) -> Response:
    """Return an error as a page."""
    title, how = _TITLES.get(status, "Not done"), None
    words = words[:1].upper() + words[1:]
    if status == 401:  # the rest of the message is for programs
        words, how = words.partition(";")[0], _HOW_TO_LOG_IN
    html = document(
        title,
        tag("header", tag("h1", "Dashboard"), tag("p", title, cls="headline")),
        tag("main", tag("p", f"{words}."), how),
        forms=True,
    )
    return _response(html, status, headers)


def _response(html: str | bytes, status: int, headers: Mapping[str, str]) -> Response:
    """Return a page with its content policy as a header.

    The referrer policy lets browsers send the origin of a form to this site.
    """
    policy = f"{content_policy(forms=True)}; frame-ancestors 'none'"
    more = {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"}
    return HTMLResponse(html, status, more | dict(headers))


@router.get("/")
@router.get("/{name}.html")
@router.get("/{dataset}/{name}.html")
@router.get("/{dataset}/{segment}/{name}.html")
async def page(request: Request, caller: Reader) -> Response:
    """Return a page of the dashboard with the datasets that the caller may see."""
    server, path = caller.server, request.scope["path"].lstrip("/") or INDEX

    def drawn() -> bytes | None:
        return server.pages.page(path, LiveExtras(server, caller.key))

    html = await server.slow.do(drawn)
    if html is None:
        raise HTTPException(404, "there is no page at this address")
    waits = server.schedule.is_running or server.schedule.is_asked
    again = waits and _ASKED in request.query_params
    return _response(html, 200, {"Refresh": "3"} if again else {})


@router.post(f"{FORMS}watch")
async def watch(request: Request, caller: Admin) -> Response:
    """Switch on the recommended monitors of a dataset, and run them.

    The answer redirects to the page of the dataset, which reloads itself until the run has ended.
    """
    if kind_of(request) != FORM:
        raise HTTPException(415, f"got a body that is not a form; expected {FORM}")
    fields = fields_of(await request.body())
    page = await caller.server.work.do(_switch_on, caller, fields)
    caller.server.schedule.is_asked = True
    return Response(status_code=303, headers={"Location": f"../{page}?{_ASKED}"})


def _switch_on(caller: Caller, fields: dict[str, str]) -> str:
    """Add the recommended monitors, and return the page of the dataset."""
    server, file = caller.server, caller.server.monitors
    if file is None:
        raise HTTPException(409, "this server has no file of monitors; start it with --monitors")
    dataset = _dataset(caller, fields.get("place", ""))
    reference = _dataset(caller, fields["reference"]) if fields.get("reference") else None
    text = recommended_monitors(server.store, dataset, reference=reference)
    try:
        with server.switching:
            if monitors_in(file)[0].get(dataset) or server.watching_elsewhere(dataset):
                raise HTTPException(409, "this dataset has monitors already; load the page again")
            add_monitors(file, text)
    except (ConfigError, OSError) as error:
        words = "the file of monitors is invalid, or cannot be written"
        words = server.public(str(error)) if caller.key.sees_all else words
        raise HTTPException(409, words) from None
    return dataset_page(dataset)


def _dataset(caller: Caller, page: str) -> str:
    """Return the dataset with this page."""
    for dataset in caller.server.store.datasets():
        if caller.key.sees(dataset) and dataset_page(dataset) == page:
            return dataset
    raise HTTPException(404, "there is no such dataset; load the page again")
