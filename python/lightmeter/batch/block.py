"""The unit of parallel work: a run of pictures in, their profile out."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from lightmeter.batch.sources.item import Item
from lightmeter.batch.sources.names import relative
from lightmeter.errors import ImageError
from lightmeter.image.failure import Failure
from lightmeter.image.reading import Reading
from lightmeter.profile import Profile
from lightmeter.profile.grouping import Group

__all__ = ["BLOCK_ITEMS", "Block", "profile_block"]

# Blocks are fixed by the sorted inputs alone and merged in order, so the result does not depend on
# the workers. Large enough that a merge is cheap beside the measuring.
BLOCK_ITEMS = 64


class Block(NamedTuple):
    """What came of a run of pictures, in a form that another process or machine can send.

    Attributes:
        profile: the bytes of `lightmeter.ProfileView.to_bytes`.
        failures: all pictures that could not be measured, by their names. A profile keeps only the
            first 100.
        segments: the bytes of the profile of each segment, in the order of their first pictures.
    """

    profile: bytes
    failures: list[Failure]
    segments: dict[str, bytes]


def profile_block(
    items: Iterable[Item],
    reading: Reading,
    *,
    prefix: str = "image",
    exemplars: int = 0,
    rows: int = 0,
    values: Sequence[str] = (),
    root: str | None = None,
    segment_of: Callable[[Item], str] | None = None,
    group_of: Callable[[Item], Group] | None = None,
    threads: int = 1,
    watch: Callable[[str, int, int], None] | None = None,
) -> Block:
    """Profile a run of pictures, in this process and one after another.

    The function and its arguments can be pickled, so it runs wherever the pictures can be read. The
    blocks of one source, merged in its order, give the profile of `lightmeter.profile_images`.

    Args:
        items: the pictures, at most `BLOCK_ITEMS`.
        reading: how pictures are read.
        prefix: first part of the feature names.
        exemplars: pictures to keep, as for `lightmeter.Profile`.
        rows: rows to keep, likewise.
        values: which values of the items to log beside them.
        root: a folder that the names of failures in the profile are relative to.
        segment_of: from a picture to the text of its segment; None makes no segments.
        group_of: from a picture to its group; None takes pictures for independent.
        threads: threads that share a large picture.
        watch: called as ``watch(name, done, total)`` with the pixels measured of a picture that is
            read in tiles.
    """
    whole = Profile(prefix, reading=reading, exemplars=exemplars, rows=rows)
    failures = []
    segments: dict[str, Profile] = {}
    for item in items:
        error = None
        try:
            item = item.loaded(reading.limits)
        except ImageError as failed:
            error = failed
        profiles = [whole]
        if segment_of is not None:
            profiles.append(segments.setdefault(segment_of(item), whole._empty()))
        group = None if group_of is None else group_of(item)
        measured = None
        if error is None:
            try:
                watched = None if watch is None else partial(watch, item.name)
                measured = whole._measure(
                    prefix, item.data, threads=threads, name=item.name, watch=watched
                )
            except ImageError as failed:
                error = failed
        if error is not None:
            failures.append(Failure(item.name, error.reason, error.detail))
        said = {name: item.values.get(name) for name in values}
        for profile in profiles:
            if measured is not None:
                profile._add(prefix, measured, group)
            else:
                name = item.name if root is None else relative(item.name, root)
                profile._log_failure(prefix, failures[-1]._replace(path=name), group)
            if said:
                profile._add_row(said, group)
    return Block(
        whole.view().to_bytes(),
        failures,
        {segment: profile.view().to_bytes() for segment, profile in segments.items()},
    )
