"""The unit of parallel work: a run of pictures in, their profile out."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from lightmeter import _core
from lightmeter.batch.sources.ahead import fetched_ahead
from lightmeter.batch.sources.item import Item
from lightmeter.batch.sources.names import relative
from lightmeter.batch.sources.tar import FilePart
from lightmeter.batch.sources.zip import ZipPart
from lightmeter.errors import DecodeError, ImageError
from lightmeter.image.encoded import BYTES_TOGETHER, EncodedBytes
from lightmeter.image.failure import Failure
from lightmeter.image.limits import Limits
from lightmeter.image.measure import Measured
from lightmeter.image.reading import Reading
from lightmeter.nesting import parse_json
from lightmeter.profile import Profile
from lightmeter.profile.grouping import Group

__all__ = ["BLOCK_ITEMS", "Block", "block_items", "next_block_items", "profile_block"]

# Blocks are fixed by the sorted inputs alone and merged in order, so the result does not depend on
# the workers. Large enough that a merge is cheap beside the measuring.
BLOCK_ITEMS = 64

# Of up to 1024 pictures so many blocks are made, or half as many, to keep the workers at work.
_FEW, _BLOCKS = 1024, 32

_TOGETHER = 16  # small pictures: more save little, and wait for each other

_MARK = b"LMblock1"


def block_items(total: int | None) -> int:
    """How many pictures a block has, by how many the source has in all, if it tells.

    The workers do not enter, as the result must not depend on them. Of up to 1024 pictures all
    numbers are kept, so that each size of blocks gives the same bytes. Only of deep pictures the
    values of all pixels are a sample, which depends on the size in its last bits.
    """
    if total is None or total > _FEW:
        return BLOCK_ITEMS
    return -(-total // _BLOCKS) or 1


def next_block_items(before: int) -> int:
    """How many pictures the next block has, where the source does not tell how many it has.

    Few pictures are shared by all workers, and of more than 1024 the blocks are those of a source
    that tells: the sizes are powers of two, up to `BLOCK_ITEMS` from the 1024th picture on.
    """
    return min(1 << max(before // 16, 4).bit_length() - 1, BLOCK_ITEMS)


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

    @property
    def weight(self) -> int:
        """Bytes in memory while it waits."""
        return len(self.profile) + sum(map(len, self.segments.values())) + 400 * len(self.failures)

    def to_bytes(self) -> bytes:
        """The block as one string of bytes, for files and for engines that send such.

        A mark, the length of the head in 8 bytes (little-endian), the head as JSON, the profile,
        and the profiles of the segments.
        """
        head = json.dumps(
            {
                "profile": len(self.profile),
                "failures": self.failures,
                "segments": [[segment, len(data)] for segment, data in self.segments.items()],
            }
        ).encode()
        length = len(head).to_bytes(8, "little")
        return b"".join([_MARK, length, head, self.profile, *self.segments.values()])

    @classmethod
    def from_bytes(cls, data: bytes) -> "Block":
        """The block that `to_bytes` made these bytes of.

        Raises:
            DecodeError: they are those of no block. Every profile in it was decoded to see that.
        """
        start = len(_MARK) + 8
        if data[: len(_MARK)] != _MARK or len(data) < start:
            raise DecodeError("these bytes are no block of lightmeter, or of another version")
        end = start + int.from_bytes(data[len(_MARK) : start], "little")
        try:
            head = parse_json(data[start:end])
            failures = [Failure(*map(_text, failure)) for failure in head["failures"]]
            parts = [(None, head["profile"]), *((_text(name), n) for name, n in head["segments"])]
            profiles = {}
            for name, length in parts:
                if type(length) is not int or not 0 <= length <= len(data) - end:
                    raise ValueError(f"a length of {length!r}")
                profiles[name] = data[end : end + length]
                _core.Profile.decode(profiles[name])
                end += length
        except DecodeError:
            raise
        except (ValueError, TypeError, KeyError) as error:
            raise DecodeError(f"a damaged block: {type(error).__name__}: {error}") from None
        if end != len(data) or len(profiles) != len(parts):
            raise DecodeError("a damaged block: bytes too many, or a segment twice")
        return cls(profiles.pop(None), failures, {str(name): it for name, it in profiles.items()})


def _measured_together(
    whole: Profile, items: Iterator[Item], limits: Limits
) -> Iterator[tuple[Item, Measured | EncodedBytes | None]]:
    """The items; what is small is read and measured with others.

    After one that is not small the next is taken alone, so that large ones come one by one.
    """
    together = 1
    while batch := _batch(items, together, limits):
        files = whole._measure_together([it.data for it in batch], [it.name for it in batch])
        together = _TOGETHER if all(map(_is_small, files)) else 1
        yield from zip(batch, files, strict=True)


def _is_small(file: Measured | EncodedBytes | None) -> bool:
    if isinstance(file, Measured):
        size = (file.facts or {}).get("FileSize")
        return isinstance(size, int) and size <= BYTES_TOGETHER
    return file is not None and file.size <= BYTES_TOGETHER


def _batch(items: Iterator[Item], most: int, limits: Limits) -> list[Item]:
    """The next items, of which small members of archives are read; a large one is the last."""
    batch: list[Item] = []
    for item in islice(items, most):
        batch.append(_read_if_small(item, limits))
        if item.weight > BYTES_TOGETHER:
            break
    return batch


def _read_if_small(item: Item, limits: Limits) -> Item:
    """What fails stays as it is, to be tried again."""
    size = item.data.size if isinstance(item.data, FilePart | ZipPart) else None
    if size is None or size > BYTES_TOGETHER:
        return item
    try:
        return item.loaded(limits)
    except ImageError:
        return item


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"got {value!r}; expected a text")
    return value


def profile_block(
    items: Iterable[Item],
    reading: Reading,
    *,
    prefix: str = "image",
    exemplars: int = 0,
    sample: int = 0,
    values: Sequence[str] = (),
    root: str | None = None,
    segment_of: Callable[[Item], str] | None = None,
    group_of: Callable[[Item], Group] | None = None,
    threads: int = 1,
    watch: Callable[[str, int, int], None] | None = None,
) -> Block:
    """Profile a run of pictures, in this process and one after another.

    The function and its arguments can be pickled, so it runs wherever the pictures can be read; it
    fetches those that are elsewhere. The blocks of one source, merged in its order, give the
    profile of `lightmeter.profile_images`.

    Args:
        items: the pictures, at most `BLOCK_ITEMS`.
        reading: how pictures are read.
        prefix: first part of the feature names.
        exemplars: pictures to keep, as for `lightmeter.Profile`.
        sample: of how many images to keep the numbers, likewise.
        values: which values of the items to log beside them.
        root: a folder that the names of failures in the profile are relative to.
        segment_of: from a picture to the text of its segment; None makes no segments.
        group_of: from a picture to its group; None takes pictures for independent.
        threads: threads that share a large picture.
        watch: called as ``watch(name, done, total)`` with the pixels measured of a picture that is
            read in tiles.
    """
    whole = Profile(prefix, reading=reading, exemplars=exemplars, sample=sample)
    failures = []
    segments: dict[str, Profile] = {}
    fetched = fetched_ahead(items, reading.limits)
    for item, file in _measured_together(whole, fetched, reading.limits):
        measured: Measured | Profile | None = file if isinstance(file, Measured) else None
        error = None
        try:
            item = item.loaded(reading.limits)
        except ImageError as failed:
            error = failed
        profiles = [whole]
        if segment_of is not None:
            profiles.append(segments.setdefault(segment_of(item), whole._empty()))
        group = None if group_of is None else group_of(item)
        if error is None and measured is None:
            try:
                watched = None if watch is None else partial(watch, item.name)
                image = file if isinstance(file, EncodedBytes) else item.data
                measured = whole._measure(
                    prefix, image, threads=threads, name=item.name, watch=watched
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
