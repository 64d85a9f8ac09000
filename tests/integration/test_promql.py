"""The expressions for Prometheus and Grafana, as a parser of Prometheus' language reads them."""

import re

import pytest
from metrics_texts import expressions

parser = pytest.importorskip("promql_parser")


@pytest.mark.parametrize(
    "expression", [each for each in expressions() if "label_values" not in each]
)
def test_it_is_understood(expression: str) -> None:
    filled = re.sub(r"\$(\w+)", "x", expression)
    assert parser.parse(filled) is not None if filled else True
