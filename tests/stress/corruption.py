"""Stores of which bytes were changed. Nothing but StoreError, or damage that `verify` reports."""

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from lightmeter import Store
from row import Row
from where import on_files

sys.path.insert(0, str(Path(__file__).parents[1] / "python"))
from stores import answers, corrupted, fill, survives

NAME = "corruptions of a store"
REPEATS = 700


def run(repeats: int) -> Row:
    """`repeats` corrupted copies of one store."""
    if not on_files():
        return Row(NAME, 0, 0, 0, "for files only")
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder, "whole.db")
        fill(whole)
        with Store(whole) as store:
            truth = answers(store)
        data = whole.read_bytes()
        for seed in range(repeats):
            copy = Path(folder, f"{seed}.db")
            copy.write_bytes(corrupted(data, random.Random(seed)))
            try:
                ends[survives(copy, truth)] += 1
            except Exception as error:
                ends[type(error).__name__] += 1
            for file in Path(folder).glob(f"{seed}.db*"):
                file.unlink()
    good = sum(ends[end] for end in ("refused", "reported", "harmless"))
    note = ", ".join(f"{count} {end}" for end, count in ends.most_common())
    return Row(NAME, repeats, good, repeats - good, note)
