"""From an inbox into a store, any number of times and from any number of machines."""

import warnings
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.store.inbox import MOST_BYTES, Inbox, Place, check_profile, parse_name
from lightmeter.store.store import Store

_AT_ONCE = 16  # writers, of which each has an object of 16 MiB at most in memory
_MOST_NAMED = 20  # objects that warnings name

_Row = tuple[Any, ...]  # the place of an object without its seq: what a writer says again and again
_Outcome = tuple[str, str, str]  # its count, the name of the object, and why that is left, if it is


class Pulled(NamedTuple):
    """What became of the objects that were listed.

    Attributes:
        new: put into the store.
        known: in the store before.
        superseded: the store has a later profile of the writer.
        refused: not taken, because the bucket was rolled up with an earlier profile of the writer,
            or because the buckets of the dataset have another length; left in the inbox.
        damaged: foreign or damaged; left in the inbox.
    """

    new: int
    known: int
    superseded: int
    refused: int
    damaged: int


def pull(inbox: Inbox, store: Store, *, delete: bool = False) -> Pulled:
    """Put what is in an inbox into a store; only the last profile of each writer is read.

    It keeps no state, and may be cut off at any point: the next one asks the store what it has.

    Args:
        inbox: where the objects are.
        store: where they go.
        delete: whether to delete the listed objects that are in the store now, and those in whose
            place it has a later profile of the writer.

    Raises:
        StoreError: the inbox cannot be listed or read, or the store cannot be written.

    Warns:
        UserWarning: for each object that is left, up to 20.
    """
    if delete and store.reads_late:
        raise StoreError(
            f"{store.address} may keep a profile on this machine for a while; to delete objects, "
            "pull where its store is"
        )
    rows: dict[_Row, list[Place]] = defaultdict(list)
    outcomes: list[_Outcome] = []
    for name, size in sorted(inbox.list().items()):
        if (place := parse_name(name)) is None:
            foreign = "its name hides what is beside it" if size < 0 else "no profile has its name"
            outcomes.append(("damaged", name, foreign))
        elif not 0 < size <= MOST_BYTES:
            outcomes.append(("damaged", name, f"it has {size} bytes"))
        else:
            rows[place[:-1]].append(place)
    known = _known(store, rows)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        put = partial(_put_row, inbox, store)
        for found in pool.map(put, rows.values(), map(known.get, rows)):
            outcomes += found
    stored = [name for _, name, reason in outcomes if not reason]
    if delete and stored:
        inbox.delete(stored)
    left = [(name, reason) for _, name, reason in outcomes if reason]
    for name, reason in left[:_MOST_NAMED]:
        warnings.warn(f"{name!r} is left in {inbox.address}: {reason}", stacklevel=2)
    if len(left) > _MOST_NAMED:
        more = len(left) - _MOST_NAMED
        warnings.warn(f"{more} more objects are left in {inbox.address}", stacklevel=2)
    counts = Counter(count for count, _, _ in outcomes)
    return Pulled(*(counts[field] for field in Pulled._fields))


def _known(store: Store, rows: dict[_Row, list[Place]]) -> dict[_Row, int]:
    """Return the seq of what the store has of each row."""
    known: dict[_Row, int] = {}
    datasets = store.datasets()
    first = min((row[1] for row in rows), default=None)
    for dataset, segment in {(row[0], row[3]) for row in rows if row[0] in datasets}:
        for item in store.stored(dataset, first, segment=segment):
            row = (dataset, item.start, item.end - item.start, segment, item.writer)
            known[row] = item.seq
    return known


def _put_row(inbox: Inbox, store: Store, places: list[Place], known: int | None) -> list[_Outcome]:
    """Put the last profile of a row that is whole, unless the store has it or a later one."""
    outcomes: list[_Outcome] = []
    places = sorted(places, key=lambda place: place.seq, reverse=True)
    for number, place in enumerate(places):
        dataset, start, length, segment, writer, seq = place
        if known is not None and seq <= known:
            outcomes.append(("known" if seq == known else "superseded", place.name, ""))
            continue
        if (content := inbox.read(place.name)) is None:  # another pull has deleted it
            continue
        try:
            view = ProfileView.from_bytes(content)
            check_profile(view, place)
            is_new = store.put(
                dataset, view, at=start, segment=segment, writer=writer, seq=seq, every=length
            )
        except ConflictError as error:
            outcomes += [("refused", left.name, str(error)) for left in places[number:]]
            break
        except (DecodeError, ValueError) as error:
            outcomes.append(("damaged", place.name, str(error)))
            continue
        known = seq
        outcomes.append(("new" if is_new else "known", place.name, ""))
    return outcomes
