"""Profiling images, rows and tables in one call."""

import errno
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict, Unpack, overload

from lightmeter.image.measure import ImageLike
from lightmeter.image.reading import Reading, ReadingOptions
from lightmeter.profile.columns import GroupName, check_names, group_of
from lightmeter.profile.profile import Profile
from lightmeter.profile.segments import Parts, SegmentedViews, SegmentRows, check_segment_by
from lightmeter.profile.view import ProfileView


class ResultSet:
    """What `log` and `log_image` return.

    Examples
    --------
    >>> lm.log_image("photo.jpg").profile().view().to_pandas()
    """

    def __init__(self, profile: Profile) -> None:
        """Made by `log` and `log_image`."""
        self._profile = profile

    def profile(self) -> Profile:
        """Return the profile, to which more can be added.

        Examples
        --------
        >>> lm.log_image("photo.jpg").profile()
        """
        return self._profile

    def view(self) -> ProfileView:
        """Short for ``profile().view()``.

        Examples
        --------
        >>> lm.log_image("photo.jpg").view().images
        1
        """
        return self._profile.view()

    def __repr__(self) -> str:
        """Return how much is in it."""
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
        It is something else.
    OSError
        The file cannot be read.
    DecodeError
        The file holds no whole profile.
    """
    if isinstance(profile, ProfileView):
        return profile
    if isinstance(profile, Profile | ResultSet):
        return profile.view()
    if isinstance(profile, str | os.PathLike):
        if os.path.isdir(profile):
            raise IsADirectoryError(
                errno.EISDIR, "a folder is no profile; measure it first: profile_images", profile
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
    """Profile values of any kind, a feature per name, without a schema.

    Numbers are profiled as numbers, strings as categories. A bool is 0 or 1; a date or time is its
    seconds since 1970, where a time without a zone is local time and a date its midnight in UTC; a
    duration is its seconds; a pandas category is a string. An image is measured, with its name as
    the prefix: ``images.Hue.mean``. None, NaN and pandas' NA and NaT are missing values of the
    feature of that name. A name that a row does not have says nothing. Anything else is a
    TypeError: nothing is left out silently.

    Numbers are kept as 64-bit floats: integers beyond 2^53, such as long identifiers, are rounded
    to these before their distinct and frequent values are counted; log such as strings. Of a string
    the first 128 bytes of UTF-8 count.

    Parameters
    ----------
    row
        Value by feature name.
    columns
        Values by feature name: arrays, lists or Series of one length.
    table
        A DataFrame of pandas or polars, a pyarrow Table, or any other object that gives an Arrow
        stream (``__arrow_c_stream__``; this needs pyarrow). Columns have any dtype. With `roles`
        also an iterable of dicts.
    group
        The name of the column that says which rows belong together, such as ``"slide"``, so that
        comparisons take groups and not rows for independent. It is no feature, and its names are
        not kept: only the moments of hashed groups are. A row without a value there is a group of
        its own.
    segment_by
        What segment a row of `columns` or `table` belongs to. There is a profile of each segment
        then. It is the name of a column, such as ``"camera"``; or a dict from keys to names of
        columns, as ``{"site": "column:plant"}`` of `lightmeter.profile_images`; or a function from
        the row, as a dict, to a string, None, or a dict of them. Columns stay features. A row
        without a value has the value ``none``; beyond 1000 segments all others are counted
        together, with the value ``other``.
    roles
        ``"image"`` where rows are what `lightmeter.measure` gives, or tables of them, such as files
        that `lightmeter measure` wrote. The profile is that of the images, without ``.pixels``
        features and exemplars, and with Exif only where rows have it: `exif` is the policy that
        they were measured under. What does not begin with ``image.`` is no feature.
    functions
        Functions of yours that are called with every row, as a dict, and return a value, or a dict
        of values: features of the name of the function, and ``name.key``. A function whose
        parameters are all names of columns gets these columns, as arrays, and returns an array, or
        a dict of arrays. What one raises is counted in ``name.Error`` by its type.
    sample
        Of how many images to keep the numbers together, as for `Profile`.
    tags
        What to say of the profiles, likewise.
    reading
        How images are read.
    options
        What differs from `reading`, or from the default: see `lightmeter.Reading`.

    Returns
    -------
    ResultSet | SegmentedViews
        What was logged; with `segment_by` the `lightmeter.SegmentedViews` of all segments, whose
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
        Columns of different lengths or shapes, or two of one name; no column is named `group`, or
        as `segment_by` says; a row is none of an image; an option is out of range; a function has
        no name that a feature could have, or that of a column.
    ImportError
        Only pyarrow could read `table`, and that is not installed.

    Examples
    --------
    >>> lm.log(row={"glare_percent": 1.7, "camera": "north", "photo": frame})
    >>> lm.log(table=table, segment_by="camera")["camera=north"]
    >>> lm.log(table=lm.measure("photos/"), roles="image").view()
    """
    given = {name: options.pop(name) for name in _Given.__annotations__ if name in options}
    profile = Profile(**options)
    if segment_by is None:
        profile.log(**given)
        return ResultSet(profile)
    if given.get("row") is not None:
        raise TypeError("got segment_by with row=; expected columns= or table=")
    if isinstance(segment_by, str):
        segment_by = {segment_by.removeprefix("column:"): segment_by}
    check_segment_by(segment_by)
    profile._split_by = None
    if isinstance(segment_by, Mapping):
        segment_by = {key: name.removeprefix("column:") for key, name in segment_by.items()}
        profile._split_by = [*segment_by.values()]
    profile._parts = parts = Parts(profile._empty, segment_by)
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
        float32 or float64; a fourth channel is alpha), a path, encoded bytes or a binary file; or a
        list or tuple of these, profiled together; or a dict of feature name prefix to image,
        profiled side by side.
    group
        What all of them belong to, such as ``"slide-7"`` or a burst, so that comparisons take
        groups and not images for independent. The name is not kept, only the moments of hashed
        groups are. ``""`` says that each image is a group of its own.
    tags
        What to say of the profile, as for `Profile`.
    reading
        How images are read.
    options
        What differs from `reading`, or from the default: see `lightmeter.Reading`.

    Raises
    ------
    ImageError
        The image, or one in the dict, cannot be measured. In a list such an image is counted in
        ``image.Failure`` instead.
    TypeError
        Something is no image at all, a name no string, or an option unknown.
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
            profile._track(name, image, group_of(group), raises=True)
    elif isinstance(images, list | tuple):
        profile.track_many(images, group=group)
    else:
        profile.track(images, group=group)
    return ResultSet(profile)
