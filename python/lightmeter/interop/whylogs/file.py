"""The files of whylogs: a profile in parts (``WHY1``), or a zip archive of several.

``WHY1``, then, each behind its length as a varint: DatasetSegmentHeader { has_segments=1,
segments=4 Segment { tags=1 { key=1, value=2 } }, offsets=5 } and DatasetProfileHeader {
properties=1 { dataset_timestamp=5 ms, tags=6 map }, column_offsets=2 map of text to { offsets=1 },
length=4, indexed_metric_paths=5 map of number to text }. Chunks follow, at their offsets from
there: ChunkHeader { type=1, 2 of a column, length=3 } behind its length, and so many bytes of
ChunkMessage { metric_components=1 map of the number of a path to MetricComponentMessage }.
"""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from lightmeter.errors import DecodeError
from lightmeter.interop.whylogs.protobuf import Message, delimited
from lightmeter.profile.segments import clean_value

# The messages of the metrics of a column by path, such as ``counts/n``.
Components = dict[str, Message]

_MAGIC = b"WHY1"
_COLUMN = 2
_TAG = "whylogs.tag."
_MOST_COLUMNS = 100_000


@dataclass(frozen=True)
class ProfileFile:
    """One profile as it is stored."""

    timestamp: int | None  # milliseconds since 1970 UTC
    segment: dict[str, str]
    columns: dict[str, list[memoryview]]
    paths: dict[int, str]

    def components(self, column: str) -> Components:
        """The messages of a column, which are read anew at each call.

        Raises:
            DecodeError: a chunk is damaged.
        """
        components: Components = {}
        for chunk in self.columns[column]:
            for component in map(Message, Message(chunk).all(1)):
                number = component.unsigned(1, 32)
                path = self.paths.get(number)
                if path is None or path in components:
                    raise DecodeError(
                        f"column {column!r}: a metric {number} without a name, or twice"
                    )
                components[path] = component.message(2)
        return components


def parts_of(data: bytes, most: int) -> Iterator[bytes]:
    """The files in an archive, or the one that this is.

    Raises:
        DecodeError: the archive cannot be read, or holds more than `most` bytes.
    """
    if not data.startswith(b"PK\3\4"):
        yield data
        return
    left = most
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                with archive.open(info) as member:
                    content = member.read(left + 1)
                left -= len(content)
                if left < 0:
                    raise DecodeError(f"an archive of more than {most} bytes")
                yield content
    except DecodeError:
        raise
    except Exception as error:  # whatever somebody's bytes make of a library
        raise DecodeError(f"a zip archive that cannot be read: {error}") from None


def read_file(file: bytes) -> ProfileFile:
    """The profile in a file.

    Raises:
        DecodeError: the bytes are no such file, or a part of one.
    """
    data = memoryview(file)
    if data[:4] != _MAGIC:
        raise DecodeError(
            f"not a whylogs profile: got {len(data)} bytes that do not start with WHY1. Profiles "
            "with performance metrics, and those of whylogs 0.x, have an older form, which "
            "lightmeter does not read"
        )
    segments, at = delimited(data, 4)
    header, base = delimited(data, at)
    properties = header.message(1)
    end = base + header.unsigned(4)
    if end > len(data):
        raise DecodeError(f"a profile that is cut off: got {len(data)} bytes, expected {end}")
    return ProfileFile(
        timestamp=properties.signed(5) or None,
        segment=_segment(segments, properties),
        columns=_columns(header, data[base:end]),
        paths=dict(_numbered(header, 5)),
    )


def _numbered(header: Message, number: int) -> Iterator[tuple[int, str]]:
    for entry in map(Message, header.all(number)):
        yield entry.unsigned(1, 32), entry.text(2)


def _segment(segments: Message, properties: Message) -> dict[str, str]:
    listed = list(segments.all(4))
    several = max(len(listed), len(list(segments.all(5))))
    if several > 1:
        raise DecodeError(
            f"a file of {several} segments; whylogs writes one segment a file, or an archive"
        )
    tags = Message(listed[0]).all(1) if listed else properties.all(6)
    segment: dict[str, str] = {}
    for tag in map(Message, tags):
        key, value = clean_value(tag.text(1).removeprefix(_TAG)), clean_value(tag.text(2))
        if not key or key in segment:
            raise DecodeError(f"a segment with the key {key!r}; expected every key once")
        segment[key] = value
    return segment


def _columns(header: Message, chunks: memoryview) -> dict[str, list[memoryview]]:
    """The chunks of each column, none of which is in the file twice."""
    entries = list(header.all(2))
    if len(entries) > _MOST_COLUMNS:
        raise DecodeError(f"a profile of {len(entries)} columns; expected {_MOST_COLUMNS} at most")
    columns: dict[str, list[memoryview]] = {}
    left = len(chunks)  # so that no chunk is read many times
    for entry in map(Message, entries):
        name = entry.text(1)
        if name in columns:
            raise DecodeError(f"a profile with two columns {name!r}")
        columns[name] = []
        for offset in entry.message(2).numbers(1):
            chunk, end = delimited(chunks, offset)
            size = chunk.unsigned(3, 32)
            if chunk.unsigned(1) != _COLUMN:
                raise DecodeError(f"column {name!r}: a chunk of another type")
            left -= end - offset + size
            if left < 0 or end + size > len(chunks):
                raise DecodeError(f"column {name!r}: its chunks are not in the file, or others too")
            columns[name].append(chunks[end : end + size])
    return columns
