"""The unit of parallel work: a run of images in, their profile out."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from lightmeter import _core
from lightmeter.batch.fetching import loaded
from lightmeter.batch.segments import GroupBy, SegmentBy, check_segments, group_in, value_in
from lightmeter.batch.sources.item import Item, RemotePart
from lightmeter.errors import ImageError
from lightmeter.image.failure import Failure
from lightmeter.image.measure import Measured, measure_together
from lightmeter.image.metrics import TAKEN
from lightmeter.image.reading import Reading
from lightmeter.image.tiles.measured import Watch
from lightmeter.image.video import NO_FRAME_IN_PART
from lightmeter.nesting import parse_json
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.profile import IMAGE
from lightmeter.profile.segments import Parts, SegmentedViews

# Images of the first blocks, and of those behind many. The number of workers does not enter, as
# the result must not depend on it. Small blocks at the start let workers share a few large
# images; later a merge must be cheap beside the measuring.
_FEWEST, _MOST = 16, 64
_PICTURE_BYTES = 128 << 10  # for which there is room in a block
_REMOTE_BYTES = 16 << 20  # of images elsewhere, which a block fetches side by side

_TOGETHER = 16  # images of which small ones are measured at once: more save little


def blocks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut images into blocks, by nothing but their number and their sizes."""
    before, held = 0, 0.0  # images; the share of the block's bytes
    block: list[Item] = []
    most = _FEWEST
    for item in items:
        block.append(item)
        is_remote = isinstance(item.data, RemotePart)
        held += item.size / (_REMOTE_BYTES if is_remote else most * _PICTURE_BYTES)
        if len(block) >= most or held >= 1:
            before += len(block)
            yield block
            block, held, most = [], 0.0, max(_FEWEST, min(_MOST, before // 16))
    if block:
        yield block


# What came of a run of images: the bytes of the profile of all by "", and of each segment by its
# text, in the order of their first images. A profile that was not encoded merges to other bytes.
Block = dict[str, bytes]


def block_text(block: Block) -> bytes:
    """Return a block as JSON, with profiles in base64."""
    return json.dumps({text: b64encode(data).decode() for text, data in block.items()}).encode()


def parse_block(data: bytes) -> Block:
    """Return the block that `block_text` made these bytes of."""
    return {text: b64decode(profile) for text, profile in parse_json(data).items()}


@dataclass(frozen=True, kw_only=True)
class Work:
    """How a run of images becomes a block; it can be pickled, so it runs wherever they are read.

    The blocks of one source, merged in its order, give the profile of `lightmeter.profile_images`,
    which describes most attributes.

    Attributes
    ----------
    fixed
        Keys and values that all segments have.

    Raises
    ------
    TypeError
        `segment_by` or `group` is of another type.
    ValueError
        A value has the name of what is measured of images; `segment_by` or `group` is not
        understood.
    """

    reading: Reading
    values: Sequence[str] = ()
    exemplars: int = 0
    sample: int = 0
    tags: Mapping[str, str] | None = None
    segment_by: SegmentBy | None = None
    group: GroupBy | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what images would fail by."""
        for name in self.values:
            start, _, rest = name.partition(".")
            if start == IMAGE and rest.partition(".")[0] in TAKEN:
                raise ValueError(
                    f"got the value {name!r}, which is measured of pictures; rename the column"
                )
        if self.segment_by is not None or self.group is not None:
            check_segments(self.segment_by, self.group, self.reading.exif, self.fixed)

    def empty(self) -> Profile:
        """Return a profile of nothing."""
        how: dict[str, Any] = {"exemplars": self.exemplars, "sample": self.sample}
        return Profile(reading=self.reading, tags=self.tags, **how)

    def __call__(
        self, items: Sequence[Item], watch: Watch | None = None, threads: int = 1
    ) -> Block:
        """Profile images, in this process and one after another.

        Parameters
        ----------
        items
            The images; remote ones are fetched side by side.
        watch
            Called before each image, and before more is read of one in tiles.
        threads
            Threads that share a large image.
        """
        merged = Merged(self)
        rest = loaded(items, self.reading.limits)
        while batch := list(islice(rest, _TOGETHER)):
            data = [item.data for item in batch]
            names = [item.name for item in batch]
            files = measure_together(data, names, self.reading, self.exemplars > 0)
            for item, file in zip(batch, files, strict=True):
                if watch is not None:
                    watch()
                try:
                    measured: Any = file or item.picture
                    if not isinstance(file, Measured):
                        reading = item.read_by(self.reading)
                        how = {"threads": threads, "name": item.name, "watch": watch}
                        measured = merged.whole._measure(IMAGE, measured, reading, **how)
                except ImageError as error:
                    if error.detail == NO_FRAME_IN_PART:  # its other parts have them
                        continue
                    measured = Failure(item.within or item.name, error.reason, error.detail)
                self._log(merged, item, measured)
        return merged.block()

    def _log(self, merged: "Merged", item: Item, measured: Measured | Profile | Failure) -> None:
        profiles = [merged.whole]
        if self.segment_by is not None:
            value_of = partial(value_in, item=item)
            profiles.append(merged.of(item.name, value_of))
        own: str | None = getattr(measured, "group", None)
        group = own if self.group is None else group_in(self.group, item)
        for profile in profiles:
            with profile._in_group(group) as part:
                part._add(IMAGE, measured)
                if self.values:
                    part.log(row={name: item.values.get(name) for name in self.values})


class Merged(Parts):
    """The profiles of segments, and that of all images by ``""``; blocks are merged in order.

    Attributes
    ----------
    whole
        The profile of all images.
    """

    def __init__(self, work: Work, kept: set[str] | None = None) -> None:
        """Begin with nothing.

        Parameters
        ----------
        work
            What makes the blocks.
        kept
            The segments that are not counted as ``other``, to which more are added.
        """
        super().__init__(work.empty, work.segment_by, work.fixed, kept)
        self.whole = self[""] = work.empty()

    def add(self, block: Block) -> None:
        """Merge a block."""
        for text, data in block.items():
            self[text]._core.merge(_core.Profile.decode(data))

    def block(self) -> Block:
        """Return all as one block."""
        return {text: part._core.encode() for text, part in self.items()}

    def views(self) -> SegmentedViews:
        """Return the profiles; no block is merged after that."""
        views = {text: ProfileView(part._core) for text, part in self.items()}
        return SegmentedViews(views.pop(""), views)

    def result(self) -> ProfileView | SegmentedViews:
        """Return the profile of all images, or all profiles if there are segments, likewise."""
        return self.views() if self._segment_by is not None else self.views().whole
