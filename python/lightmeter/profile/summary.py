"""A profile as plain data, ready for JSON."""

import math
from typing import Any

from lightmeter.profile.view import ProfileView


def plain_summary(view: ProfileView) -> dict[str, Any]:
    """The whole profile; statistics that do not exist are None."""
    timestamp = view.dataset_timestamp
    columns = view.get_columns()
    features = {
        name: {key: _plain(value) for key, value in column.to_summary_dict().items()}
        for name, column in columns.items()
    }
    repeats = {
        name: {"at_least": at_least, "hashes": [item._asdict() for item in hashes]}
        for name, column in columns.items()
        if column.kind == "hash"
        for at_least, hashes in [view.repeats(name)]
    }
    return {
        "images": view.images,
        "groups": view.groups,
        "dataset_timestamp": timestamp and timestamp.isoformat(),
        "tags": view.tags,
        "decoders": view.decoders,
        "readings": view.readings,
        "failures": [failure.to_dict() for failure in view.failures],
        "features": features,
        "repeats": repeats,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [item._asdict() for item in value]
    return value
