"""Growing profiles of images and values."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, Literal, Unpack

import numpy as np

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.files import path_bytes
from lightmeter.image.exif import DATES
from lightmeter.image.failure import Failure
from lightmeter.image.measure import ImageLike, Measured, measure_images
from lightmeter.image.meter import BandMeter
from lightmeter.image.metrics import ERROR
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.profile.columns import (
    Columns,
    GroupName,
    arrays_of,
    columns_of,
    group_named,
    log_column,
    rows_in,
    split_rows,
)
from lightmeter.profile.functions import columns_of_functions, log_returned
from lightmeter.profile.row import log_measured, numbers_of, rows_of
from lightmeter.profile.segments import Parts, is_text_dict
from lightmeter.profile.view import ProfileView, counted_in
from lightmeter.times import to_ms, to_utc

IMAGE = "image"  # default prefix of features of images
MOST_SAMPLE = 4096  # images, as in the core
_MOST_TAGS, _LONGEST_NAME, _LONGEST_VALUE = 64, 64, 128  # likewise


class Profile:
    """Build a profile of images and other values.

    If Python has a global interpreter lock, several threads may add to a profile at once; a view
    taken meanwhile may contain part of the data of a call. Without that lock, only one thread at a
    time may use a profile. Any thread may read a `ProfileView`. Copies, pickled profiles and forked
    processes do not affect the original.

    Examples
    --------
    >>> profile = lm.Profile(metrics="camera")
    >>> profile.track(frame)
    >>> profile.view()["image.Sharpness"].n
    1
    """

    def __init__(
        self,
        *,
        reading: Reading | None = None,
        exemplars: int = 0,
        sample: int = 0,
        tags: Mapping[str, str] | None = None,
        **options: Unpack[ReadingOptions],
    ) -> None:
        """Create an empty profile.

        Parameters
        ----------
        reading
            How to read images.
        exemplars
            Number of thumbnails to keep for each numeric feature of images: of the lowest values,
            of the highest, and at random; at most 16. They are JPEGs of at most 80 x 80 pixels and
            4 kB, with the path of the image. Only images that Pillow reads have them. Nothing else
            in a profile holds pixels.
        sample
            Number of images, at most 4096, whose numbers to keep together as a random sample for
            `lightmeter.check_image`. Images with equal numbers count once. An image with 60 numbers
            takes 250 bytes.
        tags
            Tags that describe the profile, such as ``{"model": "v7"}``: at most 64, with names up
            to 64 bytes and values up to 128 bytes. A merged profile has the tags of both sides.
        options
            Single options that override `reading`; see `lightmeter.Reading`.

        Raises
        ------
        TypeError
            An option is unknown or has the wrong type.
        ValueError
            An argument is out of range, or a count is not an integer.
        """
        self._reading = reading_of(reading, options)
        self._core = _core.Profile()
        for what, count, most in (("exemplars", exemplars, 16), ("sample", sample, MOST_SAMPLE)):
            if count not in range(most + 1):
                raise ValueError(f"{what} is {count!r}; expected an integer from 0 to {most}")
        self._core.exemplars, self._core.rows = exemplars, sample
        for pair in checked_tags({} if tags is None else tags).items():
            self._core.add_tag(*pair)

    def track(self, image: ImageLike, *, group: GroupName = None) -> None:
        """Add one image, in any form that `lightmeter.log_image` accepts, and its group.

        Raises
        ------
        ImageError
            The image cannot be measured. The profile is unchanged.

        Examples
        --------
        >>> profile = lm.Profile()
        >>> profile.track("photo.jpg")
        """
        self._track(IMAGE, image, group, raises=True)

    def track_many(self, images: Iterable[ImageLike], *, group: GroupName = None) -> None:
        """Add images; an image that cannot be measured is counted in ``image.Failure``.

        Raises
        ------
        TypeError
            An item is not an image, or `group` is neither a string nor a number.

        Examples
        --------
        >>> profile = lm.Profile()
        >>> profile.track_many(["photo.jpg", frame])
        """
        for image in images:
            self._track(IMAGE, image, group)

    def log(
        self,
        *,
        row: Mapping[str, Any] | None = None,
        columns: Mapping[str, Any] | None = None,
        table: object | None = None,
        group: str | None = None,
        roles: Literal["image"] | None = None,
        functions: Sequence[Callable[..., Any]] = (),
    ) -> None:
        """Add a row, columns or a table; see `lightmeter.log` for the arguments.

        If an error is raised, the profile is unchanged.

        Raises
        ------
        ImageError
            An image in `row` cannot be measured. In a table, such an image is counted in
            ``<column>.Failure``.
        TypeError
            Not exactly one of `row`, `columns` and `table` is given, `roles` is given without
            `table`, or a name or value cannot be logged.
        ValueError
            Columns have different lengths or equal names, a name is not valid Unicode, the column
            `group` does not exist, or, with `roles`, a row is not the row of an image.
        ImportError
            Reading `table` needs pyarrow, which is not installed.

        Examples
        --------
        >>> profile = lm.Profile()
        >>> profile.log(row={"weight": 1.5, "camera": "north"})
        """
        if (row is not None) + (columns is not None) + (table is not None) != 1:
            raise TypeError("log takes exactly one of row, columns and table")
        _check_logged(row, table, roles, functions)
        if type(row) is dict and not functions and self._log_row(row, group):
            return
        whole, parts = self._empty(), self._parts
        needed = None if self._split_by is None else [*self._split_by, *filter(None, [group])]

        def place_of(row: Mapping[str, Any]) -> tuple[Profile, str | None]:
            part = whole if parts is None else parts.of(row, row.get)
            return part, None if group is None else group_named(row.get(group), group)

        if roles is not None:
            for number, measured in enumerate(rows_of(table, needed or ()), 1):
                profile, named = place_of(measured)
                try:
                    with profile._in_group(named) as part:
                        log_measured(part._core, measured, self._reading)
                except (TypeError, ValueError) as error:
                    raise ValueError(f"row {number}: {error}") from None
        else:
            if row is not None:
                columns = {name: [value] for name, value in row.items()}
            arrays = arrays_of(columns_of(table) if columns is None else columns)
            arrays |= columns_of_functions(functions, arrays)
            split: Iterable[tuple[Any, Columns]] = [((whole, None), arrays)]
            if needed != []:
                keys = [place_of(cells) for cells in rows_in(arrays, needed)]
                arrays.pop(group or "", None)
                split = split_rows(arrays, keys)
            for (profile, named), rows in split:
                with profile._in_group(named) as part:
                    part._log_arrays(rows, functions, raises=row is not None)
        self._core.merge(whole._core)

    group: str | None = None  # of the frames of a file

    # Profiles of the segments to which rows are logged instead of this one, and the columns that
    # determine the segment; None means all columns.
    _parts: Parts | None = None
    _split_by: Sequence[str] | None = ()

    def _log_row(self, row: dict[str, Any], group: str | None) -> bool:
        """Add a row if it has no images; return whether it was added."""
        if group is None:
            return self._core.log_row(row)
        part, rest = _core.Profile(), {name: row[name] for name in row if name != group}
        is_one = len(rest) < len(row) and part.log_row(rest)
        if is_one:
            self._core.merge_group(group_named(row[group], group) or None, part)
        return is_one

    def _log_arrays(self, arrays: Columns, functions: Sequence[Any], *, raises: bool) -> None:
        for name, array in arrays.items():
            for image in log_column(self._core, name, array):
                self._track(name, image, raises=raises)
        for function in functions:
            self._core.log_numbers(f"{function.__name__}.{ERROR}", np.empty(0), "failure")

    @contextmanager
    def _in_group(self, group: str | None) -> Iterator["Profile"]:
        """Yield the profile that logs values of a group; "" makes each value its own group."""
        part = self if group is None else self._empty()
        yield part
        if group is not None:
            self._core.merge_group(group or None, part._core)

    def _measure(
        self, prefix: str, image: ImageLike, reading: Reading, **options: Any
    ) -> "Measured | Profile":
        """Measure one image, or profile the images of a batch or file, which count all or none."""
        images = measure_images(image, reading, thumbnail=self._core.exemplars > 0, **options)
        first, second = next(images), next(images, None)
        if second is None:
            return first
        together = self._empty()
        together.group = first.group
        for measured in itertools.chain((first, second), images):
            together._add(prefix, measured)
        return together

    def _empty(self) -> "Profile":
        core, tags = self._core, dict(self._core.tags())
        return Profile(reading=self._reading, exemplars=core.exemplars, sample=core.rows, tags=tags)

    def _add(self, prefix: str, result: "Measured | Profile | Failure") -> None:
        """Add a result of `_measure`, or a failure."""
        if isinstance(result, Profile):
            self._core.merge(result._core)
        elif isinstance(result, Measured):
            self._log_image(prefix, result)
        else:
            detail = result.detail.encode(errors="replace").decode()
            self._core.log_failure(prefix, path_bytes(result.path or ""), result.reason, detail)

    def _log_image(self, prefix: str, result: Measured) -> None:
        meter, exif, facts, thumbnail, returned, path, decoder, read, *_ = result
        if isinstance(meter, BandMeter):
            bands = [(band, each._as_features()) for band, each in meter.bands.items()]
            self._core.log_bands(prefix, bands, meter.mode, path, read)
        else:
            self._core.log_image(prefix, meter._as_features(), meter.mode, path, read)
            if thumbnail is not None:
                image, jpeg = meter._core, thumbnail.jpeg
                self._core.log_exemplar(prefix, image, thumbnail.key, thumbnail.path, jpeg)
        allow, deny = list(self._reading.exif.allow), list(self._reading.exif.deny)
        self._core.log_file(prefix, decoder, exif, facts, allow, deny, DATES)
        for name, value in returned:
            log_returned(self._core, f"{prefix}.{name}", value)
        if self._core.rows:
            self._core.sample_row(numbers_of(prefix, result))

    def _track(
        self, prefix: str, image: ImageLike, group: GroupName = None, *, raises: bool = False
    ) -> None:
        try:
            result: Measured | Profile | Failure = self._measure(prefix, image, self._reading)
        except ImageError as error:
            if raises:
                raise
            result = Failure.of(error)
        named = getattr(result, "group", None) if group is None else group_named(group)
        with self._in_group(named) as part:
            part._add(prefix, result)

    def set_dataset_timestamp(self, timestamp: datetime | date) -> None:
        """Set the time of the data, to the millisecond; a merge keeps the earlier time.

        A time without a time zone is local time, as in `datetime.astimezone`; a date is its
        midnight in UTC.

        Raises
        ------
        TypeError
            `timestamp` is neither a datetime nor a date.
        ValueError
            `timestamp` is outside the years 1 to 9999 in UTC.

        Examples
        --------
        >>> profile = lm.Profile()
        >>> profile.set_dataset_timestamp(date(2022, 9, 7))
        """
        self._core.dataset_timestamp = to_ms(to_utc(timestamp))

    def view(self) -> ProfileView:
        """Return a frozen copy of the current profile.

        Examples
        --------
        >>> lm.Profile().view().images
        0
        """
        return ProfileView(self._core.copy())

    def __getstate__(self) -> tuple[Any, ...]:
        """Return the state for a pickle or a copy, which is independent of this profile."""
        core = self._core
        return self._reading, core.exemplars, core.rows, core.encode()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Restore the profile from its state."""
        reading, exemplars, sample, data = state
        Profile.__init__(self, reading=reading, exemplars=exemplars, sample=sample)
        self._core.merge(_core.Profile.decode(data))

    def __repr__(self) -> str:
        """Return a short description of the contents."""
        return f"<Profile: {counted_in(self._core.copy())}>"


def _check_logged(row: object, table: object, roles: object, functions: object) -> None:
    """Check the arguments of `Profile.log` for mistakes."""
    if roles is not None and (roles != "image" or table is None or functions):
        raise TypeError(f"roles is {roles!r}; expected 'image', for table= and without functions=")
    if not isinstance(row, Mapping | None):
        raise TypeError(f"row is a {type(row).__name__}; expected a dict of names and values")


def checked_tags(tags: Any) -> dict[str, str]:
    """Check and return tags.

    Raises
    ------
    TypeError
        `tags` is not a dict of strings.
    ValueError
        There are more than 64 tags, or a name or value is empty, not valid Unicode, or longer than
        64 or 128 bytes.
    """
    if not is_text_dict(tags):
        raise TypeError(f"tags is {tags!r}; expected a dict of strings such as {{'model': 'v7'}}")
    if len(tags) > _MOST_TAGS:
        raise ValueError(f"got {len(tags)} tags; expected at most {_MOST_TAGS}")
    for texts, most in ((tags, _LONGEST_NAME), (tags.values(), _LONGEST_VALUE)):
        for text in texts:
            if not 0 < len(text.encode(errors="replace")) <= most or not text.isprintable():
                raise ValueError(
                    f"tags has the text {text!r}; expected 1 to {most} bytes of visible characters"
                )
    return dict(tags)
