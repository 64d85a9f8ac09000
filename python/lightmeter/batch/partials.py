"""Profiles by bucket and segment where the pictures of a block may be on several machines.

Workers make partial profiles of what they have of a block. Sorted, these are folded into the
profiles that one process makes of the same pictures in the same order.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from lightmeter import _core
from lightmeter.batch.block import BLOCK_ITEMS, Block
from lightmeter.batch.sources.item import Item
from lightmeter.profile import Profile

__all__ = ["WHOLE", "Partial", "Placed", "folded", "partials"]

WHOLE = ""  # in place of a segment: all pictures


class Placed(NamedTuple):
    """A picture at its place in a bucket.

    Attributes:
        bucket: any number that says which.
        place: how many pictures of the bucket are before it.
        item: the picture.
    """

    bucket: int | None
    place: int
    item: Item


class Partial(NamedTuple):
    """The profile of one segment of one block, or of a piece of it.

    The order of these tuples, less the profile, is the order in which they are folded.

    Attributes:
        bucket: of the pictures.
        segment: its text, or `WHOLE`.
        block: its number in the bucket.
        place: that of the first picture of the piece.
        rank: of the segment among those of the piece, by their first pictures.
        origin: the segment before it was counted as ``other``.
        profile: the bytes.
    """

    bucket: int | None
    segment: str
    block: int
    place: int
    rank: int
    origin: str
    profile: bytes


def partials(work: Callable[[Iterable[Item]], Block], rows: Iterable[Placed]) -> Iterator[Partial]:
    """The partial profiles of rows whose places rise within a bucket, a block at a time."""
    for (bucket, number), run in groupby(rows, lambda row: (row.bucket, row.place // BLOCK_ITEMS)):
        pictures = list(run)
        place = pictures[0].place
        block = work([picture.item for picture in pictures])
        yield Partial(bucket, WHOLE, number, place, 0, WHOLE, block.profile)
        for rank, (segment, data) in enumerate(block.segments.items()):
            yield Partial(bucket, segment, number, place, rank, segment, data)


def folded(empty: Profile, rows: Iterable[Partial]) -> Iterator[tuple[int | None, str, bytes]]:
    """Bucket, segment and profile of all partials of each, which come in their order.

    Pieces of a block are put together before the block is merged into what was before it. A block
    is so small that its columns are exact, so the pieces give the bytes of the block.
    """
    for (bucket, segment), of_segment in groupby(rows, lambda row: (row.bucket, row.segment)):
        total = empty._empty()
        for _, of_block in groupby(of_segment, lambda row: row.block):
            blocks: dict[str, _core.Profile] = {}
            for row in of_block:
                piece = _core.Profile.decode(row.profile)
                if row.origin in blocks:
                    blocks[row.origin].merge(piece)
                else:
                    blocks[row.origin] = piece
            for block in blocks.values():
                # Bytes are sorted. What was merged in memory is not, and a sketch that samples
                # takes values in their order.
                total._core.merge(_core.Profile.decode(block.encode()))
        yield bucket, segment, total.view().to_bytes()
