"""Stores of which bytes were changed. Nothing but StoreError, or damage that `verify` reports."""

import random
import tempfile
from collections import Counter
from pathlib import Path

from harness import Row
from lightmeter import Store
from stores import answers, corrupted, fill, survives

NAME = "corruptions of a store"
REPEATS, FILES_ONLY = 700, True


def ends(repeats: int) -> Counter[str]:
    """How so many corrupted copies of one store end."""
    found: Counter[str] = Counter()
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
                found[survives(copy, truth)] += 1
            except Exception as error:
                found[type(error).__name__] += 1
            for file in Path(folder).glob(f"{seed}.db*"):
                file.unlink()
    return found


def run(repeats: int) -> Row:
    """`repeats` corrupted copies of one store."""
    found = ends(repeats)
    good = sum(found[end] for end in ("refused", "reported", "harmless"))
    note = ", ".join(f"{count} {end}" for end, count in found.most_common())
    return Row(NAME, repeats, good, repeats - good, note)
