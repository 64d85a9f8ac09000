"""What functions of one's own returned for a picture: as plain values, and in a profile."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lightmeter import _core
from lightmeter.image.metrics import ERROR, Raised
from lightmeter.profile.columns import check_names, is_image, is_vector, plain_value

_NOTHING = np.empty(0)


def log_returned(core: _core.Profile, feature: str, returned: Any) -> None:
    """Add a value, or those of a dict as ``feature.key``; never raises an Exception.

    An error is counted in ``feature.Error`` by its type, and its absence as a missing value there:
    the failure rate of that feature is the share of pictures with an error. What is neither a value
    nor a dict of values is an error too.
    """
    errors = f"{feature}.{ERROR}"
    if errors not in core:
        core.log_numbers(errors, _NOTHING, "failure", "image")
    plain = plain_returned(feature, returned)
    if isinstance(plain, Raised):
        core.log_string(errors, plain.kind, 1)
    else:
        for name, value in plain.items():
            if is_vector(value):
                core.log_vectors(name, value[np.newaxis], "image")
        core.log_facts({name: value for name, value in plain.items() if not is_vector(value)})
        core.log_nulls(errors, 1)


def plain_returned(feature: str, returned: Any) -> dict[str, Any] | Raised:
    """The values by the names of their features, None where one is missing; or the error."""
    if isinstance(returned, Raised):
        return returned
    try:
        return _plain(feature, returned)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # of code in what was returned
        return Raised.of(error, feature)


def _plain(feature: str, returned: Any) -> dict[str, Any]:
    if isinstance(returned, Mapping):
        check_names(returned)
        if ERROR in returned:
            raise ValueError(f"got the key {ERROR!r}, which counts errors; rename it")
        values = {f"{feature}.{key}": value for key, value in returned.items()}
    else:
        values = {feature: returned}
    plain = {name: plain_value(value, name) for name, value in values.items()}
    for name, value in plain.items():
        if is_image(value):
            raise TypeError(
                f"{name} is a {type(value).__name__}; expected a number, a string or a vector"
            )
    return plain
