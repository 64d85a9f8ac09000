"""The dashboard's pages, live: at the paths and with the contents that the static site has."""

import re

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from lightmeter.dashboard.asked import INDEX
from lightmeter.draw.document import content_policy, document
from lightmeter.draw.html import tag
from lightmeter.serve.extras import LiveExtras
from lightmeter.serve.live import Live, live_of
from lightmeter.serve.login import allowed, path_of
from lightmeter.serve.refusal import RequestError
from lightmeter.store.keys import Key

__all__ = ["ASKED", "PAGE_PATH", "is_page", "page_response", "page_routes", "refusal_page"]

PAGE_PATH = re.compile(r"(?:[a-z0-9.-]{1,80}/){0,2}[a-zA-Z0-9.-]{1,80}\.html")
FORMS = "/forms/"
ASKED = "run"  # in the query of who asked for a run, whose page loads itself again until it is over
_SECONDS_TO_LOOK_AGAIN = 3
_HOW_TO_LOG_IN = (
    tag("p", "In a browser the password is the key. The name can be anything."),
    tag("p", tag("a", "Log in", href="")),
)


class _PagePath(Convertor[str]):
    """The paths that pages have, and no others."""

    regex = PAGE_PATH.pattern

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


def page_routes() -> list[Route]:
    """The routes of all pages."""
    register_url_convertor("lightmeter_page", _PagePath())
    return [Route("/", _page), Route("/{page:lightmeter_page}", _page)]


def is_page(request: Request) -> bool:
    """Whether a person looks at the answer: what is refused is told on a page, too."""
    path = path_of(request)
    is_api = path.startswith("/api/")
    return path in ("", "/") or path.startswith(FORMS) or (path.endswith(".html") and not is_api)


def page_response(html: str | bytes, status: int = 200) -> Response:
    """A page with the policy that is also in it."""
    policy = f"{content_policy(forms=True)}; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin"}
    return HTMLResponse(html, status, headers)


def refusal_page(refusal: RequestError) -> Response:
    """What was refused, as a page."""
    title = {401: "Log in", 403: "Not allowed", 404: "Not found"}.get(refusal.status, "Not done")
    words, how = refusal.words[:1].upper() + refusal.words[1:], None
    if refusal.status == 401:  # what follows is for programs
        words, how = words.partition(";")[0], _HOW_TO_LOG_IN
    html = document(
        title,
        tag("header", tag("h1", "Dashboard"), tag("p", title, cls="headline")),
        tag("main", tag("p", f"{words}."), how),
        forms=True,
    )
    response = page_response(html, refusal.status)
    response.headers.update(refusal.headers)
    return response


async def _page(request: Request) -> Response:
    live, key = live_of(request), allowed(request, "read")
    path = request.path_params.get("page", INDEX)
    html = await live.server.pages.do(_made, live, key, path)
    if html is None:
        raise RequestError(404, "there is no page at this address")
    response = page_response(html)
    schedule = live.schedule
    waits = schedule is not None and (schedule.running_since or schedule.is_asked)
    if waits and ASKED in request.query_params:
        response.headers["Refresh"] = str(_SECONDS_TO_LOOK_AGAIN)
    return response


def _made(live: Live, key: Key, path: str) -> bytes | None:
    return live.pages.page(path, sees=key.sees, extras=LiveExtras(live, key))
