"""Profiling images, rows and tables in one call."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack, overload

from lightmeter.image.measure import ImageLike
from lightmeter.image.reading import Reading, ReadingOptions
from lightmeter.profile.columns import GroupName, check_names
from lightmeter.profile.profile import Profile
from lightmeter.profile.segments import Parts, SegmentedViews, SegmentRows, check_segment_by
from lightmeter.profile.view import ProfileView
from lightmeter.text import check_keywords


class ResultSet:
    """Hold the profile that `log` or `log_image` made.

    Threads may share it like its `Profile`. A forked process has its own copy.

    Examples
    --------
    >>> lm.log_image("photo.jpg").profile().view().to_pandas()
    """

    def __init__(self, profile: Profile) -> None:
        """Wrap a profile; `log` and `log_image` call this."""
        self._profile = profile

    def profile(self) -> Profile:
        """Return the profile, to which more data can be added.

        Examples
        --------
        >>> lm.log_image("photo.jpg").profile()
        """
        return self._profile

    def view(self) -> ProfileView:
        """Return a frozen view of the profile, as ``profile().view()`` does.

        Examples
        --------
        >>> lm.log_image("photo.jpg").view().images
        1
        """
        return self._profile.view()

    def __repr__(self) -> str:
        """Return a short description of the contents."""
        return f"<ResultSet of {self._profile!r}>"


ProfileLike = ProfileView | Profile | ResultSet | str | os.PathLike[str]


def view_of(profile: ProfileLike) -> ProfileView:
    """Return the view of a profile, of a result of `log` or `log_image`, or of a file.

    Parameters
    ----------
    profile
        A `ProfileView`, a `Profile`, a `ResultSet`, or the path of a ``.lmp`` file.

    Raises
    ------
    TypeError
        `profile` is something else.
    OSError
        The file cannot be read.
    DecodeError
        The file is not a complete profile.
    """
    if isinstance(profile, ProfileView):
        return profile
    if isinstance(profile, Profile | ResultSet):
        return profile.view()
    if isinstance(profile, str | os.PathLike):
        if os.path.isdir(profile):
            raise IsADirectoryError(
                errno.EISDIR,
                "this is a folder, not a profile; measure it first with profile_images",
                profile,
            )
        return ProfileView.read(profile)
    raise TypeError(
        f"got a {type(profile).__name__}; expected a Profile, a ProfileView, a ResultSet, or the "
        "path of a profile file"
    )


class _Given(TypedDict, total=False):
    row: Mapping[str, Any] | None
    columns: Mapping[str, Any] | None
    table: object | None
    group: str | None
    roles: Literal["image"] | None
    functions: Sequence[Callable[..., Any]]


class _Options(_Given, ReadingOptions, total=False):
    sample: int
    tags: Mapping[str, str] | None
    reading: Reading | None


@overload
def log(*, segment_by: None = None, **options: Unpack[_Options]) -> ResultSet: ...
@overload
def log(*, segment_by: SegmentRows, **options: Unpack[_Options]) -> SegmentedViews: ...
def log(*, segment_by: SegmentRows | None = None, **options: Any) -> ResultSet | SegmentedViews:
    """Profile a row, columns or a table; each name becomes a feature, without a schema.

    Numbers are profiled as numbers, and strings as categories. A bool becomes 0 or 1. A date or
    time becomes seconds since 1970; a time without a zone is local time, and a date is its midnight
    in UTC. A duration becomes seconds, and a pandas category a string. An image is measured, and
    its features have the name as a prefix, such as ``images.Hue.mean``. None, NaN and pandas' NA
    and NaT count as missing values. A name that is absent from a row does not count. Any other
    value raises a TypeError.

    Numbers are stored as 64-bit floats. Integers beyond 2^53, such as long identifiers, are
    therefore rounded before their distinct and frequent values are counted; log them as strings.
    Only the first 128 bytes of UTF-8 of a string count.

    Parameters
    ----------
    row
        One row: values by feature name.
    columns
        Columns by feature name: arrays, lists or Series of equal length.
    table
        A pandas or polars DataFrame, a pyarrow Table, or any other object with an Arrow stream
        (``__arrow_c_stream__``; this needs pyarrow). Columns may have any dtype. With `roles`, an
        iterable of dicts is accepted too.
    group
        Name of the column that groups related rows, such as ``"slide"``. Comparisons then treat
        groups, not rows, as independent. The column is not a feature. Its values are not stored,
        only sums of values by their hash. A row without a value is its own group.
    segment_by
        Makes a profile of each segment of `columns` or `table`. It is the name of a column, such as
        ``"camera"``; a dict from keys to columns, such as ``{"site": "column:plant"}``; or a
        function that receives the row as a dict and returns a string, None, or a dict of these. The
        columns remain features. A row without a value is in the segment ``none``. At most 1000
        segments are kept; all others are counted together as ``other``.
    roles
        ``"image"`` if `table` holds rows from `lightmeter.measure`, or from files that `lightmeter
        measure` wrote. The result is the profile of the images, without ``.pixels`` features and
        exemplars. It has Exif only if the rows do; `exif` must be the policy with which they were
        measured. Columns that do not begin with ``image.`` are ignored.
    functions
        Your own functions, which receive each row as a dict and return a value or a dict of values.
        The features are named after the function: ``name``, or ``name.key`` for the items of a
        dict. A function whose parameters are all names of columns receives these columns as arrays,
        and returns an array or a dict of arrays. Exceptions are counted in ``name.Error`` by their
        type.
    sample
        Number of images whose numbers to keep together; see `Profile`.
    tags
        Tags of the profiles, such as ``{"model": "v7"}``.
    reading
        How to read images.
    options
        Single options that override `reading`; see `lightmeter.Reading`.

    Returns
    -------
    ResultSet | SegmentedViews
        The profile. With `segment_by`, the `lightmeter.SegmentedViews` of all segments, whose
        ``whole`` is the profile of all rows.

    Raises
    ------
    ImageError
        An image in `row` cannot be measured; in a table such an image is counted in
        ``<column>.Failure``.
    TypeError
        Not exactly one of `row`, `columns` and `table` is given, a value cannot be logged, or an
        option is unknown.
    ValueError
        Columns have different lengths or shapes, or equal names; the column `group` or one of
        `segment_by` does not exist; with `roles`, a row is not the row of an image; an option is
        out of range; the name of a function cannot be the name of a feature, or is the name of a
        column.
    ImportError
        Reading `table` needs pyarrow, which is not installed.

    Examples
    --------
    >>> lm.log(row={"glare_percent": 1.7, "camera": "north", "photo": frame})
    >>> lm.log(table=table, segment_by="camera")["camera=north"]
    >>> lm.log(table=lm.measure("photos/"), roles="image").view()
    """
    check_keywords(options, ("segment_by", *_Options.__annotations__))
    given = {name: options.pop(name) for name in _Given.__annotations__ if name in options}
    profile = Profile(**options)
    if segment_by is None:
        profile.log(**given)
        return ResultSet(profile)
    if given.get("row") is not None:
        raise TypeError("got segment_by with row=; expected columns= or table=")
    if isinstance(segment_by, str):
        segment_by = {segment_by.removeprefix("column:"): segment_by}
    check_segment_by(segment_by, {})
    profile._split_by = None
    if isinstance(segment_by, Mapping):
        segment_by = {key: name.removeprefix("column:") for key, name in segment_by.items()}
        profile._split_by = [*segment_by.values()]
    profile._parts = parts = Parts(profile._empty, segment_by, {})
    profile.log(**given)
    for part in parts.values():
        profile._core.merge(part._core)
    return SegmentedViews(profile.view(), {text: part.view() for text, part in parts.items()})


def log_image(
    images: ImageLike | list[ImageLike] | tuple[ImageLike, ...] | Mapping[str, ImageLike],
    *,
    group: GroupName = None,
    tags: Mapping[str, str] | None = None,
    reading: Reading | None = None,
    **options: Unpack[ReadingOptions],
) -> ResultSet:
    """Profile one image or several.

    Parameters
    ----------
    images
        A PIL image, an array or tensor (HxW, or HxWxC with C = 1, 3 or 4; bool, uint8, uint16,
        floats, or other integers with a `value_range`; a fourth channel is alpha), a path, encoded
        bytes or a binary file. A list or tuple of these is profiled together. In a dict, each key
        is the prefix of its image's features, such as ``left`` in ``left.Sharpness``.
    group
        Group of all of these images, such as ``"slide-7"`` or the name of a burst. Comparisons then
        treat groups, not images, as independent. The name is not stored, only sums of values by its
        hash. With ``""``, each image is its own group.
    tags
        Tags of the profile; see `Profile`.
    reading
        How to read images.
    options
        Single options that override `reading`; see `lightmeter.Reading`.

    Raises
    ------
    ImageError
        The image, or an image in the dict, cannot be measured. In a list, such an image is counted
        in ``image.Failure`` instead.
    TypeError
        An object is not an image, a name is not a string, or an option is unknown.
    ValueError
        An argument is out of range.

    Examples
    --------
    >>> lm.log_image(frame, channels="BGR").view()
    """
    profile = Profile(reading=reading, tags=tags, **options)
    if isinstance(images, Mapping):
        check_names(images)
        for name, image in images.items():
            profile._track(name, image, group, raises=True)
    elif isinstance(images, list | tuple):
        profile.track_many(images, group=group)
    else:
        profile.track(images, group=group)
    return ResultSet(profile)
