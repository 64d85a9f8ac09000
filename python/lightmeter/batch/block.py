"""The work on a block of images: their profiles."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lightmeter import _core
from lightmeter.batch.running import Gate
from lightmeter.batch.segments import GroupBy, SegmentBy, check_segments, group_in, value_in
from lightmeter.batch.sources.item import Item
from lightmeter.batch.sources.remote import loaded
from lightmeter.errors import ImageError
from lightmeter.image.failure import Failure
from lightmeter.image.measure import Measured, measure_together
from lightmeter.image.metrics import TAKEN
from lightmeter.image.reading import Reading
from lightmeter.image.video import NO_FRAME_IN_PART
from lightmeter.nesting import parse_json
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.profile import IMAGE
from lightmeter.profile.segments import Parts, SegmentedViews

# Result of a run of images: the encoded profile of all images under "", and of each segment under
# its text, in the order of their first images. Profiles are always encoded, because one that is not
# merges to different bytes.
Block = dict[str, bytes]


def block_text(block: Block) -> bytes:
    """Return a block as JSON, with profiles in base64."""
    return json.dumps({text: b64encode(data).decode() for text, data in block.items()}).encode()


def parse_block(data: bytes) -> Block:
    """Return the block from bytes that `block_text` wrote."""
    return {text: b64decode(profile) for text, profile in parse_json(data).items()}


@dataclass(frozen=True, kw_only=True)
class Work:
    """Profile a run of images as a block; instances can be pickled to run elsewhere.

    The blocks of a source, merged in order, give the profile of `lightmeter.profile_images`, whose
    parameters describe most attributes.

    Attributes
    ----------
    fixed
        Keys and values that all segments have.

    Raises
    ------
    TypeError
        `segment_by` or `group` has the wrong type.
    ValueError
        A value has the name of a measured number; `segment_by` or `group` is invalid.
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
        """Check options that would make every image fail."""
        for name in self.values:
            start, _, rest = name.partition(".")
            if start == IMAGE and rest.partition(".")[0] in TAKEN:
                raise ValueError(
                    f"got the value {name!r}, which is measured of images; rename the column"
                )
        check_segments(self.segment_by, self.group, self.reading.exif, self.fixed)

    def empty(self) -> Profile:
        """Return an empty profile."""
        how: Any = {"exemplars": self.exemplars, "sample": self.sample, "tags": self.tags}
        return Profile(reading=self.reading, **how)

    def __call__(self, items: Sequence[Item], gate: Gate, threads: int = 1) -> Block:
        """Profile images one after another in this process.

        Parameters
        ----------
        items
            The images; remote ones are fetched in parallel.
        gate
            Taken for each batch of images; called before each image, and before each read of an
            image in tiles.
        threads
            Threads that share a large image.
        """
        merged = Merged(self)
        for batch in loaded(items, self.reading.limits, gate):
            with gate:
                gate()
                data = [item.data for item in batch]
                names = [item.name for item in batch]
                files = measure_together(data, names, self.reading, self.exemplars > 0)
                for item, file in zip(batch, files, strict=True):
                    gate()
                    try:
                        measured: Any = file or item.image
                        if not isinstance(file, Measured):
                            how = {"threads": threads, "name": item.name, "watch": gate}
                            reading = item.read_by(self.reading)
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
            profiles.append(merged.of(item.name, partial(value_in, item=item)))
        own: str | None = getattr(measured, "group", None)
        group = own if self.group is None else group_in(self.group, item)
        for profile in profiles:
            with profile._in_group(group) as part:
                part._add(IMAGE, measured)
                if self.values:
                    part.log(row={name: item.values.get(name) for name in self.values})


class Merged(Parts):
    """Merge blocks in order, into profiles of segments and, under ``""``, of all images.

    Attributes
    ----------
    whole
        The profile of all images.
    """

    def __init__(self, work: Work, kept: set[str] | None = None) -> None:
        """Start without images.

        Parameters
        ----------
        work
            Creates the blocks.
        kept
            Segments that are not counted as ``other``; new ones are added.
        """
        super().__init__(work.empty, work.segment_by, work.fixed, kept)
        self.whole = self[""] = work.empty()

    def add(self, block: Block) -> None:
        """Merge a block."""
        for text, data in block.items():
            self[text]._core.merge(_core.Profile.decode(data))

    def block(self) -> Block:
        """Return everything as one block."""
        return {text: part._core.encode() for text, part in self.items()}

    def views(self) -> SegmentedViews:
        """Return the profiles; no block may be merged afterwards."""
        views = {text: ProfileView(part._core) for text, part in self.items()}
        return SegmentedViews(views.pop(""), views)

    def result(self) -> ProfileView | SegmentedViews:
        """Return the profile of all images or, with segments, all profiles; see `views`."""
        return self.views() if self._segment_by is not None else self.views().whole
