"""The forms of the live pages. Each comes from a page of this server, and leads back to it."""

import anyio
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lightmeter.errors import ConfigError
from lightmeter.monitor.recommended import recommended_monitors
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.serve.login import Admin, Caller, Writer
from lightmeter.serve.pages import ASKED, PAGE_PATH
from lightmeter.serve.security import FORMS, fields_of

_KIND = "application/x-www-form-urlencoded"
_WAIT = 2.0  # seconds, for a run to end before the page is shown again

router = APIRouter(prefix=FORMS.rstrip("/"), include_in_schema=False)


@router.post("/watch")
async def watch(request: Request, caller: Admin) -> Response:
    """Switch on the recommended monitors of a dataset, and run them."""
    fields, back = await _fields(request, caller)
    await caller.server.work.do(
        _switch_on, caller, fields.get("place", ""), fields.get("reference", "")
    )
    return await _ran(caller, back)


@router.post("/run")
async def run(request: Request, caller: Writer) -> Response:
    """Run the monitors."""
    _, back = await _fields(request, caller)
    return await _ran(caller, back)


async def _fields(request: Request, caller: Caller) -> tuple[dict[str, str], str]:
    """The fields of a form, and the page that it leads back to."""
    caller.check("read")  # whoever may not see pages has no form
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _KIND:
        raise HTTPException(415, f"got a body that is no form; expected {_KIND}")
    fields = fields_of(await request.body())
    back = fields.get("back", "")
    if not PAGE_PATH.fullmatch(back) or ".." in back:
        raise HTTPException(400, "got a form of no page; load the page again")
    return fields, back


async def _ran(caller: Caller, back: str) -> Response:
    """Back to the page, a moment after the run was asked for: most are over at once."""
    schedule = caller.server.schedule
    if schedule is None:
        raise HTTPException(409, "this server has no file of monitors; start it with --monitors")
    schedule.is_asked = True
    schedule.start()
    with anyio.move_on_after(_WAIT):
        while schedule.is_asked or schedule.running_since:
            await anyio.sleep(0.05)
    return Response(status_code=303, headers={"Location": f"../{back}?{ASKED}"})


def _switch_on(caller: Caller, page: str, reference_page: str) -> None:
    server, file = caller.server, caller.server.monitors
    if file is None:
        raise HTTPException(409, "this server has no file of monitors; start it with --monitors")
    dataset = _dataset(caller, page)
    reference = _dataset(caller, reference_page) if reference_page else None
    text = recommended_monitors(server.store, dataset, reference=reference, alert=False)
    try:
        with server.switching:
            if file.read().monitors.get(dataset) or server.watching_elsewhere(dataset):
                raise HTTPException(409, "monitors of this dataset are switched on already")
            file.add(text)
    except ConfigError as error:
        words = "the file of monitors is not understood"
        words = server.public(str(error)) if caller.key.sees_all else words
        raise HTTPException(409, words) from None
    except OSError as error:
        words = f"the file of monitors cannot be written ({error.strerror})"
        raise HTTPException(409, words) from None


def _dataset(caller: Caller, page: str) -> str:
    """The dataset that has this page."""
    for dataset in caller.store.datasets():
        if caller.key.sees(dataset) and dataset_page(dataset) == page:
            return dataset
    raise HTTPException(404, "there is no such dataset; load the page again")
