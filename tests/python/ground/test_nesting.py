"""JSON from outside, which may be nested deeply."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightmeter.nesting import depth, parse_json

TEXTS = st.text(alphabet='[]{}"\\ a\u2200\u5c22\ud800')
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(), st.booleans(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


def levels(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(levels, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_it_is_as_deep_as_its_values(value: Any, escaped: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=indent)
    deep = levels(value)
    assert depth(text) == deep
    assert parse_json(text, deep) == value
    assert parse_json(text.encode("utf-16", "surrogatepass"), deep) == value
    if deep:
        with pytest.raises(ValueError, match=f"more than {deep - 1} levels"):
            parse_json(text, deep - 1)


@given(TEXTS)
def test_any_other_text(text: str) -> None:
    """It is refused by the bound or by the parser, and never read otherwise."""
    try:
        value = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r".*"):
            parse_json(text, 1)
    else:
        assert depth(text) == levels(value)


def test_the_bound() -> None:
    assert levels(parse_json("[" * 100 + "]" * 100)) == 100
    for text in ("[" * 101 + "]" * 101, "[" * 60_000, '{"a":' * 60_000):  # which no parser sees
        with pytest.raises(ValueError, match="more than 100 levels"):
            parse_json(text)
    many = [{"text": "[" * 1000}] * 1000
    assert parse_json(json.dumps(many)) == many


def test_a_text_that_never_ends_its_strings() -> None:
    """Each would be read to the end from every quote."""
    for text in ('"' + '\\"' * 500_000, '"\\', '["' + "[" * 500_000):
        assert depth(text) <= 1
