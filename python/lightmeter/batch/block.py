"""The unit of parallel work: a run of files in, their profile out."""

import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from lightmeter.errors import ImageError
from lightmeter.image.failure import Failure
from lightmeter.image.reading import Reading
from lightmeter.profile import Profile
from lightmeter.profile.grouping import Group

__all__ = ["BLOCK_FILES", "Block", "profile_block"]

# Blocks are fixed by the sorted inputs alone and merged in order, so the result does not depend on
# the workers. Large enough that a merge is cheap beside the measuring.
BLOCK_FILES = 64


class Block(NamedTuple):
    """What came of a run of files, in a form that another process or machine can send.

    Attributes:
        profile: the bytes of `lightmeter.ProfileView.to_bytes`.
        failures: all files that could not be measured, by the paths they can be opened by. A
            profile keeps only the first 100.
        segments: the bytes of the profile of each segment, in the order of their first files.
    """

    profile: bytes
    failures: list[Failure]
    segments: dict[str, bytes]


def profile_block(
    files: Iterable[str],
    reading: Reading,
    *,
    prefix: str = "image",
    exemplars: int = 0,
    rows: int = 0,
    root: str | None = None,
    segment_of: Callable[[str], str] | None = None,
    group_of: Callable[[str], Group] | None = None,
) -> Block:
    """Profile a run of files, in this process and one after another.

    The function and its arguments can be pickled, so it runs wherever the files can be opened. The
    blocks of one list, merged in its order, give the profile of `lightmeter.profile_images`.

    Args:
        files: their paths, at most `BLOCK_FILES`.
        reading: how pictures are read.
        prefix: first part of the feature names.
        exemplars: pictures to keep, as for `lightmeter.Profile`.
        rows: rows to keep, likewise.
        root: a folder that the paths of failures in the profile are relative to.
        segment_of: from a file to the text of its segment; None makes no segments.
        group_of: from a file to its group; None takes files for independent.
    """
    whole = Profile(prefix, reading=reading, exemplars=exemplars, rows=rows)
    failures = []
    segments: dict[str, Profile] = {}
    for file in files:
        profiles = [whole]
        if segment_of is not None:
            profiles.append(segments.setdefault(segment_of(file), whole._empty()))
        group = None if group_of is None else group_of(file)
        try:
            measured = whole._measure(prefix, file, threads=1)
        except ImageError as error:
            failures.append(Failure(file, error.reason, error.detail))
            name = file if root is None else os.path.relpath(file, root)
            for profile in profiles:
                profile._log_failure(prefix, failures[-1]._replace(path=name), group)
        else:
            for profile in profiles:
                profile._add(prefix, measured, group)
    return Block(
        whole.view().to_bytes(),
        failures,
        {segment: profile.view().to_bytes() for segment, profile in segments.items()},
    )
