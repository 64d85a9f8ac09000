"""Contracts: what images and rows must be like, judged on a profile."""

from lightmeter.contracts.contract import Contract
from lightmeter.contracts.result import ContractResult, Outcome

__all__ = ["Contract", "ContractResult", "Outcome"]
