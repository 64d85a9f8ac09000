"""The tables of a contract as models."""

import math
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, create_model, model_validator

from lightmeter.profile.scalars import COUNTS, INEXACT, LONGEST_TEXT, SCALARS
from lightmeter.settings import Table


def _listed(value: str | float) -> str | float:
    """Refuse a value that profiles do not store exactly, because it would never match."""
    if len(value.encode()) > LONGEST_TEXT if isinstance(value, str) else abs(value) >= INEXACT:
        got = f"got a text of more than {LONGEST_TEXT} bytes or a number of 2^53 or more"
        raise ValueError(f"{got}, which profiles do not store exactly")
    return value


# The time of fnmatch grows with the square of the length of a pattern.
Text = Annotated[str, Field(max_length=1000)]
Value = Annotated[str | bool | int | float, AfterValidator(_listed)]
_NAMES = (*SCALARS, *COUNTS)


class Limits(Table):
    """Limits of a scalar."""

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _given(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("got an empty table; expected at_least, at_most, above or below")
        return self


_FIELDS: Any = dict.fromkeys(_NAMES, (Limits | None, None))
_Scalars: Any = create_model("_Scalars", __base__=Table, **_FIELDS)


class Expectation(_Scalars):  # type: ignore[misc]
    """The requirements for the features that match a name or pattern: a table ``[[expect]]``."""

    name: Text = ""
    severity: Literal["error", "warning"] = "error"
    feature: Text = ""
    features: list[Text] = Field(default_factory=list)
    values: list[Value] | None = Field(None, min_length=1)
    top: int | None = Field(None, ge=1, le=512)  # so many values a profile lists
    contains: list[Value] | None = Field(None, min_length=1)
    type: Literal["integer", "number", "text", "bool", "date"] | None = None
    share: float = Field(1.0, gt=0.0, le=1.0)
    unique: Literal[True] | None = None  # the same as distinct_rate = { at_least = 1 }
    schema_: Literal["at_least", "exactly"] | None = Field(None, alias="schema")

    @model_validator(mode="after")
    def _checked(self) -> "Expectation":
        given = self.model_fields_set
        if bool(self.feature) == bool(self.features):
            raise ValueError("expected either feature or features")
        if not given & {"values", "contains", "type", "unique", "schema_", *_NAMES}:
            raise ValueError("got no expectation; expected one such as mean = { at_most = 0.02 }")
        for key, other in (("top", "values"), ("share", "type"), ("schema_", "features")):
            if given & {key, other} == {key}:
                raise ValueError(f"got {key.strip('_')} without {other}; expected both")
        may_be_hue = "Hue" in f"{self.feature} {self.features}"
        for name, limits in self.limits.items():
            low = max(limits.get(key, -math.inf) for key in ("at_least", "above"))
            high = min(limits.get(key, math.inf) for key in ("at_most", "below"))
            # The mean of hues may lie on an arc through 0.
            is_arc = may_be_hue and name == "mean" and [*limits] == ["at_least", "at_most"]
            is_empty = low == high and high in (limits.get("above"), limits.get("below"))
            if is_empty or (low > high and not is_arc):
                raise ValueError(f"got {name} {low:g} to {high:g}; expected the lower one first")
        return self

    @cached_property
    def limits(self) -> dict[str, dict[str, float]]:
        """Return the given limits by scalar."""
        given = dict(self.model_dump(include={*_NAMES}, exclude_none=True))
        return given | {"distinct_rate": {"at_least": 1.0}} if self.unique else given


class Expectations(Table):
    """Expectations for profiles of images or rows."""

    expect: list[Expectation] = Field(min_length=1)
