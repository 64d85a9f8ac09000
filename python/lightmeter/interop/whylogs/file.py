"""The files of whylogs: a profile in parts (``WHY1``), or a zip archive of several.

``WHY1``, then two messages, each after its length as a varint: DatasetSegmentHeader {
has_segments=1, segments=4 Segment { tags=1 { key=1, value=2 } }, offsets=5 } and
DatasetProfileHeader { properties=1 { dataset_timestamp=5 ms, tags=6 map }, column_offsets=2 map of
text to { offsets=1 }, length=4, indexed_metric_paths=5 map of number to text }. Chunks follow, at
their offsets from the end of the headers: ChunkHeader { type=1, 2 of a column, length=3 } after its
length, and `length` bytes of ChunkMessage { metric_components=1 map of the number of a path to
MetricComponentMessage }.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from lightmeter.errors import DecodeError
from lightmeter.interop.whylogs.protobuf import Message, delimited, require, varint
from lightmeter.profile.segments import clean_value

_MAGIC = b"WHY1"
_COLUMN = 2
_TAG = "whylogs.tag."


@dataclass(frozen=True)
class ProfileFile:
    """One stored profile."""

    timestamp: int | None  # milliseconds since 1970 UTC
    segment: dict[str, str]
    columns: dict[str, memoryview]
    paths: dict[int, str]

    def components(self, column: str) -> dict[str, Message]:
        """Read the messages of a column by path, such as ``counts/n``.

        Raises
        ------
        DecodeError
            The column is damaged.
        """
        components: dict[str, Message] = {}
        for component in Message(self.columns[column]).messages(1):
            number = component.unsigned(1)
            path = self.paths.get(number, "")
            is_new = path != "" and path not in components
            require(is_new, f"column {column!r}: metric {number} has no name, or occurs twice")
            components[path] = component.message(2)
        return components


def parts_of(data: bytes, most: int) -> Iterator[bytes]:
    """Yield the files in a zip archive, or the data itself if it is no archive.

    Raises
    ------
    DecodeError
        The archive cannot be read, or contains more than `most` bytes.
    """
    if not data.startswith(b"PK\3\4"):
        yield data
        return
    left = most
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in (each for each in archive.infolist() if not each.is_dir()):
                with archive.open(info) as member:
                    content = member.read(left + 1)
                left -= len(content)
                require(left >= 0, f"an archive of more than {most} bytes")
                yield content
    except DecodeError:
        raise
    except Exception as error:  # hostile bytes may cause any error of the library
        raise DecodeError(f"a zip archive that cannot be read: {error}") from None


def read_file(file: bytes) -> ProfileFile:
    """Return the profile in a file.

    Raises
    ------
    DecodeError
        The bytes are not a whole file of whylogs 1.x.
    """
    data = memoryview(file)
    require(
        data[:4] == _MAGIC,
        f"not a whylogs profile: got {len(data)} bytes that do not start with WHY1. Profiles with "
        "performance metrics, and those of whylogs 0.x, have an older form, which lightmeter does "
        "not read",
    )
    segments, at = delimited(data, 4)
    header, base = delimited(data, at)
    properties, end = header.message(1), base + header.unsigned(4)
    require(end <= len(data), f"a profile that is cut off: got {len(data)} bytes, expected {end}")
    return ProfileFile(
        timestamp=properties.signed(5) or None,
        segment=_segment(segments, properties),
        columns=_columns(header, data[base:end]),
        paths={entry.unsigned(1): entry.text(2) for entry in header.messages(5)},
    )


def _segment(segments: Message, properties: Message) -> dict[str, str]:
    listed = segments.messages(4)
    words = f"a file of {len(listed)} segments; whylogs writes one segment a file, or an archive"
    require(len(listed) <= 1, words)
    segment: dict[str, str] = {}
    for tag in listed[0].messages(1) if listed else properties.messages(6):
        key, value = clean_value(tag.text(1).removeprefix(_TAG)), clean_value(tag.text(2))
        is_new = bool(key) and key not in segment
        require(is_new, f"a segment with the key {key!r}; expected every key once")
        segment[key] = value
    return segment


def _columns(header: Message, chunks: memoryview) -> dict[str, memoryview]:
    """Return the chunk of each column; whylogs writes one for each."""
    columns: dict[str, memoryview] = {}
    left = len(chunks)  # bounds the total, so that no chunk is read many times
    for entry in map(Message, header.all(2)):
        name = entry.text(1)
        require(name not in columns, f"a profile with two columns {name!r}")
        offsets = entry.message(2).bytes(1)
        offset, last = varint(offsets, 0)
        chunk, end = delimited(chunks, offset)
        size = chunk.unsigned(3)
        is_one = last == len(offsets) and chunk.unsigned(1) == _COLUMN
        require(is_one, f"column {name!r}: several chunks, or one of another type")
        left -= end - offset + size
        is_there = left >= 0 and end + size <= len(chunks)
        require(is_there, f"column {name!r}: its chunk is not in the file, or overlaps another")
        columns[name] = chunks[end : end + size]
    return columns
