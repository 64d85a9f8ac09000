"""Stores of objects, on several machines."""

import os
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from lightmeter import Store
from lightmeter.store.records import Line

NOON = datetime(2022, 9, 7, 12, tzinfo=UTC)
LATER = datetime(2022, 9, 20, tzinfo=UTC)
LINE = Line("cells", "*", "*", "*")


def in_memory() -> str:
    return f"memory://{secrets.token_hex(8)}/store"


def objects_of(store: Any) -> Any:
    return store._session.objects


def images(store: Store, dataset: str = "cells", **segment: str) -> int:
    return sum(bucket.images for bucket in store.buckets(dataset, segment=segment))


def on_another_machine(address: str, number: int = 2) -> Store:
    """The store, with an index of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIGHTMETER_CACHE", f"{os.environ['LIGHTMETER_CACHE']}-{number}")
        return Store(address, create=False)
