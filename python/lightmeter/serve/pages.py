"""The live pages of the dashboard, with the paths and contents of the static site."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from lightmeter.dashboard.site import INDEX
from lightmeter.errors import ConfigError
from lightmeter.monitor.recommended import recommended_monitors
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.report.charts.html import content_policy, document, tag
from lightmeter.serve.extras import LiveExtras
from lightmeter.serve.login import Admin, Caller, Reader
from lightmeter.serve.security import FORM, FORMS, fields_of, kind_of

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
    html = await server.slow.do(_drawn, caller, path)
    if html is None:
        raise HTTPException(404, "there is no page at this address")
    waits = server.schedule.is_running or server.schedule.is_asked
    again = waits and _ASKED in request.query_params
    return _response(html, 200, {"Refresh": "3"} if again else {})


def _drawn(caller: Caller, path: str) -> bytes | None:
    extras = LiveExtras(caller.server, caller.key)
    return caller.server.pages.page(path, sees=caller.key.sees, extras=extras)


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
            if file.read().monitors.get(dataset) or server.watching_elsewhere(dataset):
                raise HTTPException(409, "this dataset has monitors already; load the page again")
            file.add(text)
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
