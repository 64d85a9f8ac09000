"""Profiling images, rows and tables in one call."""

from collections.abc import Mapping
from typing import Any, Unpack

from lightmeter.image.measure import ImageLike
from lightmeter.image.reading import Reading, ReadingOptions
from lightmeter.profile import Profile, ProfileView
from lightmeter.profile.grouping import GroupName, group_of
from lightmeter.profile.values import check_names

__all__ = ["ResultSet", "log", "log_image"]


class ResultSet:
    """What `log` and `log_image` return."""

    def __init__(self, profile: Profile) -> None:
        """Made by `log` and `log_image`."""
        self._profile = profile

    def profile(self) -> Profile:
        """The profile, to which more can be added."""
        return self._profile

    def view(self) -> ProfileView:
        """Short for ``profile().view()``."""
        return self._profile.view()

    def __repr__(self) -> str:
        """How much is in it."""
        return f"<ResultSet of {self._profile!r}>"


def log(
    *,
    row: Mapping[str, Any] | None = None,
    columns: Mapping[str, Any] | None = None,
    table: object | None = None,
    group: str | None = None,
    reading: Reading | None = None,
    **options: Unpack[ReadingOptions],
) -> ResultSet:
    """Profile values of any kind, a feature per name, without a schema.

    Numbers are profiled as numbers, strings as categories. A bool is 0 or 1; a date or time is its
    seconds since 1970 (UTC, also where no zone is given) and a duration its seconds; a pandas
    category is a string. An image is measured, with its name as the prefix: ``images.Hue.mean``.
    None, NaN and pandas' NA and NaT are missing values of the feature of that name. A name that a
    row does not have says nothing. Anything else is a TypeError: nothing is left out silently.

    Numbers are kept as 64-bit floats: integers beyond 2^53, such as long identifiers, are rounded
    to these before their distinct and frequent values are counted; log such as strings. Of a string
    the first 128 bytes of UTF-8 count.

    >>> lm.log(row={"glare_percent": 1.7, "camera": "north", "photo": frame})

    Args:
        row: value by feature name.
        columns: values by feature name: arrays, lists or Series of one length.
        table: a DataFrame of pandas or polars, a pyarrow Table, or any other object that gives an
            Arrow stream (``__arrow_c_stream__``; this needs pyarrow). Columns have any dtype.
        group: the name of the column that says which rows belong together, such as ``"slide"``, so
            that comparisons take groups and not rows for independent. It is no feature, and its
            names are not kept: only the moments of hashed groups are. A row without a value there
            is a group of its own.
        reading: how pictures are read.
        options: what differs from `reading`, or from the default: see `lightmeter.Reading`.

    Raises:
        ImageError: an image in `row` cannot be measured; in a table such an image is counted in
            ``<column>.Failure``.
        TypeError: not exactly one of `row`, `columns` and `table` is given, a value cannot be
            logged, or an option is unknown.
        ValueError: columns of different lengths or shapes, or two of one name; no column is named
            `group`; an option is out of range.
        ImportError: only pyarrow could read `table`, and that is not installed.
    """
    profile = Profile(reading=reading, **options)
    profile.log(row=row, columns=columns, table=table, group=group)
    return ResultSet(profile)


def log_image(
    images: ImageLike | list[ImageLike] | tuple[ImageLike, ...] | Mapping[str, ImageLike],
    prefix: str = "image",
    *,
    group: GroupName = None,
    reading: Reading | None = None,
    **options: Unpack[ReadingOptions],
) -> ResultSet:
    """Profile one image or several.

    >>> lm.log_image(frame, channels="BGR").view()

    Args:
        images: a PIL image, an array or tensor (HxW, or HxWxC with C = 1, 3 or 4; bool, uint8,
            uint16, float32 or float64; a fourth channel is alpha), a path, encoded bytes or a
            binary file; or a list or tuple of these, profiled together; or a dict of feature name
            prefix to image, profiled side by side.
        prefix: first part of the feature names, as in ``image.Hue.mean``, except for a dict.
        group: what all of them belong to, such as ``"slide-7"`` or a burst, so that comparisons
            take groups and not images for independent. The name is not kept, only the moments of
            hashed groups are. ``""`` says that each image is a group of its own.
        reading: how pictures are read.
        options: what differs from `reading`, or from the default: see `lightmeter.Reading`.

    Raises:
        ImageError: the image, or one in the dict, cannot be measured. In a list such an image is
            counted in ``image.Failure`` instead.
        TypeError: something is no image at all, a prefix no string, or an option unknown.
        ValueError: an argument is out of range.
    """
    profile = Profile(prefix, reading=reading, **options)
    if isinstance(images, Mapping):
        check_names(images)
        for name, image in images.items():
            profile._track(name, image, group=group_of(group))
    elif isinstance(images, list | tuple):
        profile.track_many(images, group=group)
    else:
        profile.track(images, group=group)
    return ResultSet(profile)
