"""Texts for Prometheus, as the parsers of its own client read them; and what docs/ asks of it."""

import json
import re
from pathlib import Path
from typing import Any

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

DOCS = Path(__file__).parents[2] / "docs"

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: str) -> Samples:
    """Every sample by its name and labels, in both forms the same."""
    families = list(openmetrics.text_string_to_metric_families(text))
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)
    samples = _samples(families)
    assert _samples(parser.text_string_to_metric_families(text)) == samples
    return samples


def _samples(families: Any) -> Samples:
    all_of_them = [sample for family in families for sample in family.samples]
    samples = {(each.name, tuple(sorted(each.labels.items()))): each.value for each in all_of_them}
    assert len(samples) == len(all_of_them)
    return samples


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"lightmeter_{name}", tuple(sorted(labels.items()))]


def expressions() -> list[str]:
    """All that docs/ has of them."""
    board = json.loads((DOCS / "grafana.json").read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    asked += [each.get("definition", "") for each in board["templating"]["list"]]
    rules = (DOCS / "prometheus-rules.yml").read_text(encoding="utf-8")
    expressions = re.findall(r"^ +expr: (?:\|\n((?: {10,}.*\n)+)|(.*))", rules, re.MULTILINE)
    assert len(expressions) == 3
    return [*asked, *(block or line for block, line in expressions)]
