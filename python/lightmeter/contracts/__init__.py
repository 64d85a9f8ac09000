"""Contracts: requirements for images and rows, judged on a profile."""

try:
    import pydantic as _  # noqa: F401
except ImportError as error:
    raise ImportError("contracts need pydantic: pip install 'lightmeter[store]'") from error

from lightmeter.contracts.contract import Contract
from lightmeter.contracts.judge import ContractResult, Outcome

__all__ = ["Contract", "ContractResult", "Outcome"]
