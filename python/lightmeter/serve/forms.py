"""The form of the live pages. It comes from a page of this server, and leads back to it."""

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lightmeter.errors import ConfigError
from lightmeter.monitor.recommended import recommended_monitors
from lightmeter.monitor.sitemap import dataset_page
from lightmeter.serve.login import Admin, Caller
from lightmeter.serve.pages import ASKED, PAGE_PATH
from lightmeter.serve.security import FORM, FORMS, fields_of, kind_of

router = APIRouter(prefix=FORMS.rstrip("/"), include_in_schema=False)


@router.post("/watch")
async def watch(request: Request, caller: Admin) -> Response:
    """Switch on the recommended monitors of a dataset, and run them.

    It leads back to the page, which looks again until the run is over.
    """
    if kind_of(request) != FORM:
        raise HTTPException(415, f"got a body that is no form; expected {FORM}")
    fields = {"back": "", "place": "", "reference": "", **fields_of(await request.body())}
    if not PAGE_PATH.fullmatch(fields["back"]) or ".." in fields["back"]:
        raise HTTPException(400, "got a form of no page; load the page again")
    await caller.server.work.do(_switch_on, caller, fields)
    caller.server.schedule.is_asked = True
    return Response(status_code=303, headers={"Location": f"../{fields['back']}?{ASKED}"})


def _switch_on(caller: Caller, fields: dict[str, str]) -> None:
    server, file = caller.server, caller.server.monitors
    if file is None:
        raise HTTPException(409, "this server has no file of monitors; start it with --monitors")
    dataset = _dataset(caller, fields["place"])
    reference = _dataset(caller, fields["reference"]) if fields["reference"] else None
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
