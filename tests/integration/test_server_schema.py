"""What the document of the API allows, and what it does not, is asked of the server."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from lightmeter import Store, log
from lightmeter.serve import Limits, make_app
from schemathesis import Case, GenerationMode, checks

checks.load_all_checks()
CONFORMS = "status_code_conformance", "content_type_conformance", "response_schema_conformance"
CHECKS = checks.CHECKS.get_by_names(["not_a_server_error", "negative_data_rejection", *CONFORMS])

FOLDER = tempfile.TemporaryDirectory()
STORE = Store(Path(FOLDER.name) / "drift.db")
APP = make_app(STORE, hosts=["localhost", "testserver"], limits=Limits(seconds=5))
KEY = {"Authorization": f"Bearer {STORE.state.keys.add(['admin'])}"}
SCHEMA = schemathesis.openapi.from_asgi("/api/v1/openapi.json", APP)
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
# Without parameters there is nothing that could be wrong.
CASES = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or len(operation.query) + len(operation.body)
]


@pytest.fixture(autouse=True)
def something_stored() -> None:
    for day in (1, 2):
        STORE.put("cells", log(row={"weight": 1.0}), at=date(2022, 9, day), writer="a")


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_every_answer_is_one_of_the_document(operation: Any, mode: GenerationMode) -> None:
    """A 5xx is none, but 503, which these few requests give no reason for."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    def ask(case: Case) -> None:
        response = case.call(headers=KEY)
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=CHECKS)

    ask()
