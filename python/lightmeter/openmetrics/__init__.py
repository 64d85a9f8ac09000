"""What a store holds and what monitors say of it, as text that Prometheus reads."""

from lightmeter.openmetrics.families import CONTENT_TYPE
from lightmeter.openmetrics.of_store import metrics_text

__all__ = ["CONTENT_TYPE", "metrics_text"]
