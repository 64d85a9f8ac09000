"""The tables of a contract as models."""

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model, model_validator

from lightmeter.profile.scalars import COUNTS, INEXACT, LONGEST_TEXT, SCALARS
from lightmeter.settings import Table

_MOST_LISTED = 512  # values of a profile


def _text(text: str) -> str:
    text.encode()  # a lone surrogate is a ValueError: no feature has one
    return text


def _listed(value: str | float) -> str | float:
    """Refuse what a profile does not hold as it is, so that all that it holds is compared."""
    if isinstance(value, str) and len(value.encode()) > LONGEST_TEXT:
        raise ValueError(
            f"got a text of more than {LONGEST_TEXT} bytes, which profiles cut; expected a "
            "shorter one, or compare it in a function of rows"
        )
    if not isinstance(value, str) and abs(value) >= INEXACT:
        raise ValueError(
            "got a number of 2^53 or more, which profiles round; expected a smaller one, or log "
            "such numbers as texts"
        )
    return value


Text = Annotated[str, AfterValidator(_text)]
Value = Annotated[str | bool | int | float, AfterValidator(_listed)]
_NAMES = (*SCALARS, *COUNTS)


class Limits(Table):
    """Limits of a number; of the mean of hues an arc, from `at_least` up to `at_most`."""

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _checked(self) -> "Limits":
        if not self.given:
            raise ValueError("it is empty; expected at_least, at_most, above or below")
        return self

    @property
    def given(self) -> list[str]:
        """The names of those that are given."""
        return [name for name in type(self).model_fields if getattr(self, name) is not None]

    @property
    def is_arc(self) -> bool:
        """Whether they can be an arc of hues: from one end up to the other."""
        return self.given == ["at_least", "at_most"]

    @property
    def lower(self) -> float | None:
        """The greater of the lower limits; None without any."""
        return max((x for x in (self.at_least, self.above) if x is not None), default=None)

    @property
    def upper(self) -> float | None:
        """The lesser of the upper limits; None without any."""
        return min((x for x in (self.at_most, self.below) if x is not None), default=None)

    @property
    def is_empty(self) -> bool:
        """Whether no number is within, unless they are an arc of hues."""
        if self.lower is None or self.upper is None:
            return False
        is_point = self.lower == self.upper
        return self.lower > self.upper or (is_point and self.lower in (self.above, self.below))


_SCALAR_FIELDS: dict[str, Any] = dict.fromkeys(_NAMES, (Limits | None, None))
_Scalars: Any = create_model("_Scalars", __base__=Table, **_SCALAR_FIELDS)


class Expectation(_Scalars):  # type: ignore[misc]
    """What the features of a name or a pattern must be like; one table ``[[expect]]``."""

    name: Text = ""
    severity: Literal["error", "warning"] = "error"
    feature: Text = ""
    features: list[Text] = Field(default_factory=list)
    values: list[Value] | None = None
    top: int | None = Field(None, ge=1, le=_MOST_LISTED)
    contains: list[Value] | None = None
    type: Literal["integer", "number", "text", "bool", "date"] | None = None
    share: float = Field(1.0, gt=0.0, le=1.0)
    unique: Literal[True] | None = None
    schema_: Literal["at_least", "exactly"] | None = Field(None, alias="schema")

    @model_validator(mode="after")
    def _checked(self) -> "Expectation":
        if bool(self.feature) == bool(self.features):
            raise ValueError("expected either feature or features")
        if not {"values", "contains", "type", "unique", "schema_", *_NAMES} & self.model_fields_set:
            raise ValueError("it expects nothing; expected such as mean = { at_most = 0.02 }")
        for key, other in (("top", "values"), ("share", "type"), ("schema_", "features")):
            if {key, other} & self.model_fields_set == {key}:
                raise ValueError(f"got {key.strip('_')} without {other}")
        for scalar, limits in self.limits.items():
            if limits.is_empty and not (scalar == "mean" and limits.is_arc):
                raise ValueError(f"{scalar} has limits that no number is within")
        return self

    @cached_property
    def limits(self) -> dict[str, Limits]:
        """The limits that are given, by their scalar."""
        return {name: getattr(self, name) for name in _NAMES if getattr(self, name) is not None}


class Expectations(Table):
    """Expectations of profiles of images or rows."""

    expect: list[Expectation] = Field(min_length=1)
