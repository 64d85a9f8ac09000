"""Reading profiles of whylogs."""

import hashlib
import os
from typing import NamedTuple

from lightmeter import _core
from lightmeter.errors import DecodeError
from lightmeter.files import MAX_PROFILE_BYTES, read_regular
from lightmeter.interop.whylogs.columns import add_columns
from lightmeter.interop.whylogs.file import ProfileFile, parts_of, read_file
from lightmeter.interop.whylogs.protobuf import require
from lightmeter.profile import ProfileView

Source = str | os.PathLike[str] | bytes | bytearray | memoryview

YEARS = range(-62_135_596_800_000, 253_402_300_800_000)  # in milliseconds since 1970


class Imported(NamedTuple):
    """A profile from a file of whylogs.

    Attributes
    ----------
    view
        The profile.
    segment
        The segment of the profile; empty for the whole dataset.
    digest
        The SHA-256 of its bytes, in hexadecimal digits.
    """

    view: ProfileView
    segment: dict[str, str]
    digest: str


def read_whylogs(source: Source) -> ProfileView:
    """Read a profile of whylogs 1.x (``.bin``), or merge all profiles of an archive (``.zip``).

    The result is a profile like any other, and can be merged and compared with others. See
    docs/coming-from-whylogs.md for differences, and for the parts that are left out.
    `lightmeter.interop.whylogs.read_segments` returns the segments of an archive separately.

    Parameters
    ----------
    source
        The path of a file, or its bytes.

    Raises
    ------
    TypeError
        `source` is neither a path nor bytes.
    OSError
        The file cannot be read, is not a regular file, or is larger than 1 GiB.
    DecodeError
        The file is not an intact profile of whylogs 1.x.

    Examples
    --------
    >>> view = lm.read_whylogs("old.bin")
    """
    views = [imported.view for imported in read_segments(source)]
    return views[0] if len(views) == 1 else ProfileView.merge_many(views)


def read_segments(source: Source, *, most: int = MAX_PROFILE_BYTES) -> list[Imported]:
    """Return the profiles in a file of whylogs, each with its segment.

    Parameters
    ----------
    source
        The path of a file, or its bytes.
    most
        The largest total size of the files in an archive, in bytes.

    Raises
    ------
    TypeError, OSError, DecodeError
        As for `read_whylogs`.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), ""
    elif isinstance(source, str | os.PathLike):
        data, name = read_regular(source), f"{os.fsdecode(source)}: "
    else:
        expected = "the path or the bytes of a whylogs profile"
        raise TypeError(f"got a {type(source).__name__}; expected {expected}")
    try:
        profiles = [
            Imported(_view(file), file.segment, hashlib.sha256(part).hexdigest())
            for part in parts_of(data, most)
            for file in [read_file(part)]
        ]
        require(bool(profiles), "an archive without any file; expected profiles of whylogs")
    except DecodeError as error:
        raise DecodeError(f"{name}{error}") from None
    return profiles


def _view(file: ProfileFile) -> ProfileView:
    profile, time = _core.Profile(), file.timestamp
    add_columns(profile, file)
    if time is not None:
        require(time in YEARS, f"a dataset timestamp of {time} ms since 1970")
        profile.dataset_timestamp = time
    return ProfileView(profile)
