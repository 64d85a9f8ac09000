"""The text itself: families of gauges, in a form that is OpenMetrics and Prometheus' own as well.

Every family is a gauge, of which both forms write the same. The lines that only OpenMetrics knows,
``# UNIT`` and ``# EOF``, are comments to the other.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass
class Gauge:
    """A family of gauges.

    Attributes:
        name: with its unit at the end, if it has one: seconds.
        help: one sentence.
        samples: a line for each, by its labels.
    """

    name: str
    help: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """The unit; empty for none."""
        return "seconds" if self.name.endswith("_seconds") else ""

    def set(self, value: float | None, **labels: str) -> None:
        """Say the value for some labels; None and NaN say nothing."""
        if value is not None and not math.isnan(value):
            self.samples[tuple(labels.items())] = value

    def lines(self) -> Iterable[str]:
        """Nothing without samples."""
        if not self.samples:
            return
        yield f"# TYPE {self.name} gauge"
        if self.unit:
            yield f"# UNIT {self.name} {self.unit}"
        yield f"# HELP {self.name} {self.help.translate(_ESCAPES)}"
        for labels, value in self.samples.items():
            yield f"{self.name}{_braced(dict(labels))} {_number(value)}"


def exposition(gauges: Iterable[Gauge]) -> str:
    """All of them, to the end."""
    return "".join(f"{line}\n" for gauge in gauges for line in gauge.lines()) + "# EOF\n"


def _braced(labels: Mapping[str, str]) -> str:
    pairs = (f'{name}="{_readable(value)}"' for name, value in labels.items())
    return f"{{{','.join(pairs)}}}" if labels else ""


def _readable(value: str) -> str:
    """Lone surrogates, which UTF-8 cannot say, become question marks."""
    return value.translate(_ESCAPES).encode("utf-8", "replace").decode()


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(value) if isinstance(value, int) else repr(float(value))
