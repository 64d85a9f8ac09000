"""A plugin of pytest: an S3-compatible service for the tests of a module."""

from collections.abc import Iterator

import inbox_kills
import pytest


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of a service in this process, and the environment to reach it."""
    pytest.importorskip("moto.server")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "DEFAULT_REGION", "ENDPOINT_URL"):
            patch.setenv(f"AWS_{name}", "")
        patch.setenv("AWS_ALLOW_HTTP", "true")
        with inbox_kills.served() as address:
            yield address
