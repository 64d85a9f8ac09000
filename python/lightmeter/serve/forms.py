"""The forms of the live pages. Each comes from a page of this server, and leads back to it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from lightmeter.alerts import Matching, snooze
from lightmeter.errors import ConfigError
from lightmeter.monitor.incidents import Incident, find_incidents, lines_of
from lightmeter.monitor.recommended import recommended_monitors
from lightmeter.monitor.results import load_turning_points
from lightmeter.monitor.sitemap import dataset_page, segment_page
from lightmeter.profile.segments import segment_text
from lightmeter.serve.extras import ACKNOWLEDGE, MOST_NOTE, RUN, SNOOZE, WATCH, line_text
from lightmeter.serve.live import Live, live_of
from lightmeter.serve.login import allowed
from lightmeter.serve.pages import ASKED, PAGE_PATH
from lightmeter.serve.refusal import RequestError
from lightmeter.serve.security import check_form_token
from lightmeter.store.keys import Key, Right
from lightmeter.store.records import Acknowledged
from lightmeter.times import to_ms

__all__ = ["form_routes"]

Fields = Mapping[str, str]

_KIND = "application/x-www-form-urlencoded"
_MOST_FIELDS = 12
_LONGEST_SNOOZE = timedelta(days=366)
_WAIT = 2.0  # seconds, for a run to end before the page is shown again
_SPECIAL = re.compile(r"([*?[])")


def form_routes() -> list[Route]:
    """The routes of all forms."""
    forms: list[tuple[str, Right, Callable[[Live, Key, Fields], None]]] = [
        (WATCH, "admin", _watch),
        (RUN, "write", _run),
        (ACKNOWLEDGE, "write", _acknowledge),
        (SNOOZE, "write", _snooze),
    ]
    return [
        Route(f"/{path}", _handler(path, right, act), methods=["POST"])
        for path, right, act in forms
    ]


def _handler(
    path: str, right: Right, act: Callable[[Live, Key, Fields], None]
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        live = live_of(request)
        key = allowed(request, right)
        allowed(request, "read")  # whoever may not see pages has no form
        fields = await _fields(request)
        check_form_token(live.server, key, path, fields.get("token", ""))
        back = fields.get("back", "")
        if not PAGE_PATH.fullmatch(back) or ".." in back:
            raise RequestError(400, "got a form of no page; load the page again")
        await live.server.work.do(act, live, key, fields)
        if path in (WATCH, RUN):
            await _ended(live)
            back = f"{back}?{ASKED}"
        return Response(status_code=303, headers={"Location": f"../{back}"})

    return handle


async def _fields(request: Request) -> Fields:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise RequestError(415, f"got a body that is no form; expected {_KIND}")
    most = live_of(request).server.limits.json
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise RequestError(413, f"got a form of more than {most} bytes")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise RequestError(400, "got a form that is not understood; load the page again") from None
    if len(dict(pairs)) != len(pairs):
        raise RequestError(400, "got a field twice; load the page again")
    return dict(pairs)


async def _ended(live: Live) -> None:
    """Wait a moment for the run that was asked for: most are over at once."""
    with anyio.move_on_after(_WAIT):
        while live.schedule and (live.schedule.is_asked or live.schedule.running_since):
            await anyio.sleep(0.05)


def _watch(live: Live, key: Key, fields: Fields) -> None:
    dataset, segment = _place(live, key, fields.get("place", ""))
    if live.monitors is None or segment:
        raise RequestError(409, "this server has no file of monitors; start it with --monitors")
    reference = None
    if fields.get("reference"):
        reference, _ = _place(live, key, fields["reference"])
    text = recommended_monitors(live.server.store, dataset, reference=reference, alert=False)
    try:
        with live.switching:
            if live.monitors.monitors().get(dataset) or live.watching_elsewhere(dataset):
                raise RequestError(409, "monitors of this dataset are switched on already")
            live.monitors.add(text)
    except ConfigError as error:
        words = (
            live.public(str(error)) if key.sees_all else "the file of monitors is not understood"
        )
        raise RequestError(409, words) from None
    except OSError as error:
        words = f"the file of monitors cannot be written ({error.strerror})"
        raise RequestError(409, words) from None
    _run(live, key, fields)


def _run(live: Live, key: Key, fields: Fields) -> None:
    if live.schedule is None:
        raise RequestError(409, "this server has no file of monitors; start it with --monitors")
    live.start()
    live.schedule.run_now()


def _acknowledge(live: Live, key: Key, fields: Fields) -> None:
    incidents, note, now = _incidents(live, key, fields), _note(fields), datetime.now(UTC)
    live.server.store.state.acknowledge(
        Acknowledged(incident.line, incident.kind, incident.start, note, now)
        for incident in incidents
    )


def _snooze(live: Live, key: Key, fields: Fields) -> None:
    note, until = _note(fields), _until(fields.get("until", ""))
    for line in dict.fromkeys(incident.line for incident in _incidents(live, key, fields)):
        patterns = Matching(*(_SPECIAL.sub(r"[\1]", part) for part in line))
        snooze(live.server.store, patterns, until, note=note)


def _place(live: Live, key: Key, page: str) -> tuple[str, str]:
    """The dataset and the segment, as text, that have this page."""
    store = live.server.store
    for dataset in store.datasets():
        folder = dataset_page(dataset).removesuffix("index.html")
        if not key.sees(dataset) or not page.startswith(folder):
            continue
        for text in ["", *map(segment_text, store.segments(dataset))]:
            if segment_page(dataset, text) == page:
                return dataset, text
    raise RequestError(404, "there is no such dataset or segment; load the page again")


def _incidents(live: Live, key: Key, fields: Fields) -> list[Incident]:
    """Those that a form is about, of which each lasts."""
    store = live.server.store
    dataset, segment = _place(live, key, fields.get("place", ""))
    monitors = [each[:2] for each in store.state.sources() if each.dataset == dataset]
    results = [
        result
        for result in load_turning_points(store, monitors)
        if segment_text(result.segment) == segment
    ]
    about = fields.get("start"), fields.get("kind")
    incidents = [
        incident
        for incident in find_incidents(lines_of(results))
        if incident.end is None
        and (str(to_ms(incident.start)), incident.kind) == about
        and fields.get("line", "") in ("", line_text(incident.line))
    ]
    if not incidents:
        raise RequestError(409, "nothing of this lasts any more; load the page again")
    return incidents


def _note(fields: Fields) -> str:
    note = fields.get("note", "").strip()
    if len(note) > MOST_NOTE:
        raise RequestError(400, f"got a note of {len(note)} characters; expected {MOST_NOTE}")
    return note


def _until(text: str) -> datetime:
    try:
        until = datetime.fromisoformat(text)
        until = until.replace(tzinfo=UTC) if until.tzinfo is None else until.astimezone(UTC)
        far = until - datetime.now(UTC) > _LONGEST_SNOOZE
    except (ValueError, OverflowError):
        raise RequestError(400, "got no time; expected one such as 2026-09-07T12:00") from None
    if far:
        raise RequestError(400, "got a time that is more than a year away; choose an earlier one")
    return until
