"""What a store holds, without its profiles."""

from typing import Any

from lightmeter.serve.endpoint import Answer, Call, Endpoint
from lightmeter.times import duration_text

__all__ = ["ENDPOINTS"]


def _datasets(call: Call) -> dict[str, Any]:
    return {
        "datasets": {
            dataset: duration_text(every)
            for dataset, every in call.store.datasets().items()
            if call.key.sees(dataset)
        }
    }


ENDPOINTS = [
    Endpoint(
        method="GET",
        path="/datasets",
        right="read",
        words="Names of the datasets, and the length of their buckets.",
        run=_datasets,
        answer=Answer(
            "By name.",
            schema={
                "type": "object",
                "required": ["datasets"],
                "properties": {
                    "datasets": {"type": "object", "additionalProperties": {"type": "string"}}
                },
            },
        ),
    )
]
