"""The unit of parallel work: a run of pictures in, their profile out."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from lightmeter import _core
from lightmeter.batch.segments import GroupOf, SegmentOf
from lightmeter.batch.sources.item import Item
from lightmeter.batch.sources.names import relative
from lightmeter.errors import DecodeError, ImageError
from lightmeter.image.encoded import BYTES_TOGETHER, EncodedBytes
from lightmeter.image.failure import Failure
from lightmeter.image.measure import Measured
from lightmeter.image.metrics import TAKEN
from lightmeter.image.reading import Reading
from lightmeter.image.tiles.measured import Watch
from lightmeter.nesting import parse_json
from lightmeter.profile import Profile

__all__ = ["Block", "Work", "blocks"]

# How many pictures a block has, by how many came before. The workers do not enter, as the result
# must not depend on them. A few hundred pictures keep all workers at work; beyond 1024 a merge is
# to be cheap beside the measuring.
_SIZES = ((512, 16), (1024, 32), (1 << 62, 64))  # up to so many before

# Encoded pictures of so many bytes together are a block, however few, so that large ones are
# shared by the workers, and few bytes wait.
_MOST_BYTES = 16 << 20

_DATA, _NAME = attrgetter("data"), attrgetter("name")
_TOGETHER = 16  # small pictures: more save little, and wait for each other


def blocks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut pictures into blocks, by nothing but their number and their sizes."""
    before = held = 0
    block: list[Item] = []
    sizes = iter(_SIZES)
    end, most = next(sizes)
    for item in items:
        block.append(item)
        held += item.size
        if len(block) >= most or held >= _MOST_BYTES:
            before += len(block)
            yield block
            block, held = [], 0
            while before >= end:
                end, most = next(sizes)
    if block:
        yield block


class Block(NamedTuple):
    """What came of a run of pictures, in a form that can be sent and kept.

    Attributes:
        profile: the bytes of `lightmeter.ProfileView.to_bytes`.
        failures: all pictures that could not be measured, by their names. A profile keeps only the
            first 100.
        segments: the bytes of the profile of each segment, in the order of their first pictures.
    """

    profile: bytes
    failures: list[Failure]
    segments: dict[str, bytes]

    def to_bytes(self) -> bytes:
        """Return the block as JSON, with profiles in base64."""
        segments = [[name, b64encode(data).decode()] for name, data in self.segments.items()]
        return json.dumps([b64encode(self.profile).decode(), self.failures, segments]).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Block":
        """Return the block that `to_bytes` made these bytes of.

        Raises:
            DecodeError: they are those of no block. Every profile in it was decoded to see that.
        """
        try:
            profile, failures, segments = parse_json(data)
            named = {name: b64decode(text) for name, text in segments}
            block = cls(b64decode(profile), [Failure(*failure) for failure in failures], named)
        except (ValueError, TypeError) as error:
            raise DecodeError(f"a damaged block: {type(error).__name__}: {error}") from None
        for encoded in (block.profile, *named.values()):
            _core.Profile.decode(encoded)
        return block


def _measured_together(
    whole: Profile, items: Iterator[Item]
) -> Iterator[tuple[Item, Measured | EncodedBytes | None]]:
    """The items; what is small is read and measured with others.

    After one that is not small the next is taken alone, so that large ones come one by one.
    """
    together = 1
    while batch := _batch(items, together):
        files = whole._measure_together([*map(_DATA, batch)], [*map(_NAME, batch)])
        together = _TOGETHER if all(map(_is_small, files)) else 1
        yield from zip(batch, files, strict=True)


def _is_small(file: Measured | EncodedBytes | None) -> bool:
    if isinstance(file, Measured):
        size = (file.facts or {}).get("FileSize")
        return isinstance(size, int) and size <= BYTES_TOGETHER
    return file is not None and file.size <= BYTES_TOGETHER


def _batch(items: Iterator[Item], most: int) -> list[Item]:
    """The next items, of which one that is large in memory is the last."""
    batch: list[Item] = []
    for item in islice(items, most):
        batch.append(item)
        if item.weight > BYTES_TOGETHER:
            break
    return batch


@dataclass(frozen=True, kw_only=True)
class Work:
    """How a run of pictures becomes a block; it can be pickled, so it runs wherever they are read.

    The blocks of one source, merged in its order, give the profile of `lightmeter.profile_images`,
    which describes the first attributes.

    Attributes:
        root: a folder that the names of failures in the profile are relative to.
        segment_of: from a picture to the text of its segment; None makes no segments.
        group_of: from a picture to its group; None takes pictures for independent.

    Raises:
        ValueError: a value has the name of what is measured of pictures.
    """

    reading: Reading
    prefix: str = "image"
    values: Sequence[str] = ()
    exemplars: int = 0
    sample: int = 0
    tags: Mapping[str, str] | None = None
    root: str | None = None
    segment_of: SegmentOf | None = None
    group_of: GroupOf | None = None

    def __post_init__(self) -> None:
        """Check the names of values."""
        start = f"{self.prefix}."
        for name in self.values:
            if name.startswith(start) and name[len(start) :].partition(".")[0] in TAKEN:
                raise ValueError(
                    f"got the value {name!r}, which is measured of pictures; rename the column"
                )

    def empty(self) -> Profile:
        """Return a profile of nothing."""
        return Profile(
            self.prefix,
            reading=self.reading,
            exemplars=self.exemplars,
            sample=self.sample,
            tags=self.tags,
        )

    def __call__(
        self,
        items: Iterable[Item],
        watch: Watch | None = None,
        threads: int = 1,
    ) -> Block:
        """Profile pictures, in this process and one after another.

        Args:
            items: the pictures, remote ones with their bytes.
            watch: called as ``watch(done, total)`` with the pixels measured of a picture that is
                read in tiles.
            threads: threads that share a large picture.
        """
        whole = self.empty()
        failures: list[Failure] = []
        segments: dict[str, Profile] = {}
        for item, file in _measured_together(whole, iter(items)):
            measured: Measured | Profile | None = file if isinstance(file, Measured) else None
            if measured is None:
                try:
                    image = file if isinstance(file, EncodedBytes) else item.checked().data
                    measured = whole._measure(
                        self.prefix, image, threads=threads, name=item.name, watch=watch
                    )
                except ImageError as error:
                    failures.append(Failure(item.name, error.reason, error.detail))
            profiles = [whole]
            if self.segment_of is not None:
                profiles.append(segments.setdefault(self.segment_of(item), self.empty()))
            group = None if self.group_of is None else self.group_of(item)
            for profile in profiles:
                if measured is not None:
                    profile._add(self.prefix, measured, group)
                else:
                    name = item.name if self.root is None else relative(item.name, self.root)
                    failure = failures[-1]._replace(path=name)
                    profile._log_failure(self.prefix, failure, group)
                if self.values:
                    row = {name: item.values.get(name) for name in self.values}
                    profile._add_row(row, group)
        return Block(
            whole.view().to_bytes(),
            failures,
            {segment: profile.view().to_bytes() for segment, profile in segments.items()},
        )
