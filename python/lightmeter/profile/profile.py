"""Profiles: what is known of a set of images, small and mergeable."""

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from typing import Any, Literal, Unpack

import numpy as np
from numpy.typing import NDArray

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.files import path_bytes
from lightmeter.image.bands import BandMeter
from lightmeter.image.exif import DATES
from lightmeter.image.failure import Failure
from lightmeter.image.measure import ImageLike, Measured, measure_images
from lightmeter.image.meter import ImageMeter
from lightmeter.image.reading import Reading, ReadingOptions, reading_of
from lightmeter.image.tiles.measured import Watch
from lightmeter.profile.columns import (
    GroupName,
    Values,
    arrays_of,
    check_names,
    columns_of,
    group_named,
    group_of,
    split_array,
    split_by_group,
)
from lightmeter.profile.functions import Errors, columns_of_functions, log_returned
from lightmeter.profile.measured import log_measured, rows_of
from lightmeter.profile.row import numbers_of
from lightmeter.profile.view import ProfileView, counted_in
from lightmeter.times import to_ms, to_utc

IMAGE = "image"  # what names of features of images begin with, unless a row or dict names them
MOST_SAMPLE = 4096  # images; what the core keeps
_MOST_EXEMPLARS = 16
_MOST_TAGS, _LONGEST_NAME, _LONGEST_VALUE = 64, 64, 128  # likewise


class Profile:
    """A growing profile of images and of other values beside them.

    Threads may add to one profile at once where Python has a global interpreter lock; a view taken
    meanwhile may hold a part of what a call adds. Without that lock a profile belongs to one thread
    at a time. A `ProfileView` may be read from any. A copy, or what was pickled, grows by itself.
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
        """Start empty.

        Args:
            reading: how pictures are read.
            exemplars: pictures to keep of each numeric feature of images at either end, and at
                random, at most 16: JPEGs of 80 pixels and 4 kB at most with their paths, of images
                that Pillow reads. Nothing else in a profile holds pixels.
            sample: of how many images to keep the numbers together, at random, at most 4096, for
                `lightmeter.check_image`. Images with equal numbers count once. An image of 60
                numbers takes 250 bytes.
            tags: what to say of the profile, such as ``{"model": "v7"}``: at most 64 names and
                values of up to 64 and 128 bytes. A merge has those of both sides.
            options: what differs from `reading`, or from the default: see `lightmeter.Reading`.

        Raises:
            TypeError: a count is no integer, or an option is unknown or of another type.
            ValueError: an argument is out of range.
        """
        self._reading = reading_of(reading, options)
        self._core = _core.Profile()
        if exemplars != 0:
            self._core.exemplars = _count("exemplars", exemplars, _MOST_EXEMPLARS)
        if sample != 0:
            self._core.rows = _count("sample", sample, MOST_SAMPLE)
        if tags is not None:
            for pair in checked_tags(tags).items():
                self._core.add_tag(*pair)

    def track(self, image: ImageLike, *, group: GroupName = None) -> None:
        """Add one image, in any form that `lightmeter.log_image` takes, and its group.

        Raises:
            ImageError: it cannot be measured; the profile is unchanged.
        """
        measured = self._measure(IMAGE, image)
        with self._in_group(group_of(group)) as part:
            part._add(IMAGE, measured)

    def track_many(self, images: Iterable[ImageLike], *, group: GroupName = None) -> None:
        """Add images; one that cannot be measured is counted in ``image.Failure``."""
        self._track_many(IMAGE, images, group_of(group))

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
        """Add a row or a table, as `lightmeter.log` takes them, with the same limits.

        On any error the profile is unchanged.

        Raises:
            ImageError: an image in `row` cannot be measured; in a table such an image is counted in
                ``<column>.Failure``.
            TypeError: not exactly one of `row`, `columns` and `table` is given, `roles` without
                `table`, or a name or value cannot be logged.
            ValueError: columns of different lengths, two of one name, a name that is no text, no
                column is named `group`, or with `roles` a row is none of an image.
            ImportError: only pyarrow could read `table`, and that is not installed.
        """
        check_logged(row, columns, table, roles, functions)
        if roles is not None:
            with self._part(None) as whole:
                whole._log_measured(((whole, row) for row in rows_of(table, group)), group)
        elif row is not None:
            values, group_of_row = row, None
            if group is not None:
                if group not in row:
                    names = list(row)
                    raise ValueError(f"got the group {group!r}; expected one of the names {names}")
                group_of_row = group_named(row[group], group)
                values = {name: value for name, value in row.items() if name != group}
            returned = functions and columns_of_functions(
                functions, arrays_of({name: [value] for name, value in row.items()})
            )
            with self._in_group(group_of_row) as part:
                part._log_row(values)
                part._log_columns(returned or {})
        else:
            arrays = arrays_of(columns_of(table) if columns is None else columns)
            arrays |= columns_of_functions(functions, arrays)
            self._log_arrays(arrays, group)

    def _log_arrays(self, arrays: Mapping[str, NDArray[Any]], group: str | None) -> None:
        if group is None:
            self._log_columns(arrays)
            return
        with self._part(None) as whole:
            for group_of_rows, rows in split_by_group(arrays, group):
                with whole._part(group_of_rows) as part:
                    part._log_columns(rows)

    def _log_measured(
        self, rows: Iterable[tuple["Profile", Mapping[str, Any]]], column: str | None
    ) -> None:
        """Log rows of images, each to its profile; `column` names groups."""
        for number, (profile, row) in enumerate(rows, 1):
            try:
                group = None if column is None else group_named(row.get(column), column)
                with profile._in_group(group) as part:
                    log_measured(part._core, row, self._reading)
            except (TypeError, ValueError) as error:
                raise ValueError(f"row {number}: {error}") from None

    @contextmanager
    def _part(self, group: str | None) -> Iterator["Profile"]:
        """Yield an empty profile, which is merged at the end unless something is raised."""
        part = self._empty()
        yield part
        if group is None:
            self._core.merge(part._core)
        else:
            self._core.merge_group(group or None, part._core)

    def _in_group(self, group: str | None) -> AbstractContextManager["Profile"]:
        """Return where to log what belongs to a group, if to any; to "" what is one of its own."""
        return nullcontext(self) if group is None else self._part(group)

    def _log_row(self, row: Mapping[str, Any]) -> None:
        """All is looked at and measured before anything is added."""
        if type(row) is dict and self._core.log_row(row):
            return
        if not isinstance(row, Mapping):
            raise TypeError(f"row is a {type(row).__name__}; expected a dict of names and values")
        check_names(row)
        columns = {name: split_array(np.fromiter([row[name]], object), name) for name in row}
        images = [(name, image) for name in columns for image in columns[name].images]
        measured = [(name, self._measure(name, image)) for name, image in images]
        for name, result in measured:
            self._add(name, result)
        self._log_values(columns)

    def _log_columns(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """All is looked at before anything is added."""
        columns = {name: split_array(array, name) for name, array in arrays.items()}
        for name, values in columns.items():
            self._track_many(name, values.images)
            if isinstance(arrays[name], Errors):
                self._core.log_numbers(name, np.empty(0), "failure")
        self._log_values(columns)

    def _log_values(self, columns: Mapping[str, Values]) -> None:
        """Add all but images, which have no feature of the plain name."""
        for name, values in columns.items():
            others = (values.integers.size, values.fractions.size, values.strings, values.vectors)
            if values.images and not any((values.missing, *others)):
                continue
            for vectors in values.vectors:
                self._core.log_vectors(name, vectors)
            self._core.log_numbers(name, values.integers)
            self._core.log_numbers(name, values.fractions)
            for text, count in values.strings.items():
                self._core.log_string(name, text, count)
            self._core.log_nulls(name, values.missing)
            self._core.add_types(name, values.bools, values.dates)

    def _measure(
        self,
        prefix: str,
        image: ImageLike,
        threads: int | None = None,
        name: str | None = None,
        watch: Watch | None = None,
    ) -> "Measured | Profile":
        """One image; or the profile of several in a batch or a file, which count all or none."""
        thumbnail = self._core.exemplars > 0
        images = measure_images(
            image, self._reading, threads=threads, thumbnail=thumbnail, name=name, watch=watch
        )
        first, second = next(images), next(images, None)
        if second is None:
            return first
        together = self._empty()
        for measured in itertools.chain((first, second), images):
            together._add(prefix, measured)
        return together

    def _empty(self) -> "Profile":
        empty = Profile(
            reading=self._reading,
            exemplars=self._core.exemplars,
            sample=self._core.rows,
        )
        for pair in self._core.tags():
            empty._core.add_tag(*pair)
        return empty

    def _add(self, prefix: str, result: "Measured | Profile | Failure") -> None:
        """Add what `_measure` of this or of a like profile returned, or why it could not."""
        if isinstance(result, Profile):
            self._core.merge(result._core)
        elif isinstance(result, Measured):
            self._log_image(prefix, result)
        else:
            path = b"" if result.path is None else path_bytes(result.path)
            detail = result.detail.encode(errors="replace").decode()
            self._core.log_failure(prefix, path, result.reason, detail)

    def _log_image(self, prefix: str, result: Measured) -> None:
        meter, exif, facts, thumbnail, returned, path, decoder, read = result
        if isinstance(meter, BandMeter):
            bands = [(band, each._as_features()) for band, each in meter.bands.items()]
            self._core.log_bands(prefix, bands, meter.mode, path, read)
        else:
            self._core.log_image(prefix, meter._as_features(), meter.mode, path, read)
        if decoder is not None or exif is not None or facts is not None:
            policy = self._reading.exif
            allow, deny = list(policy.allow), list(policy.deny)
            self._core.log_file(prefix, decoder, exif, facts, allow, deny, DATES)
        if thumbnail is not None and isinstance(meter, ImageMeter):
            path, jpeg = thumbnail.path, thumbnail.jpeg
            self._core.log_exemplar(prefix, meter._core, thumbnail.key, path, jpeg)
        for name, value in returned:
            log_returned(self._core, f"{prefix}.{name}", value)
        if self._core.rows:
            self._core.sample_row(numbers_of(prefix, result))

    def _track_many(
        self, prefix: str, images: Iterable[ImageLike], group: str | None = None
    ) -> None:
        for image in images:
            try:
                result: Measured | Profile | Failure = self._measure(prefix, image)
            except ImageError as error:
                result = Failure.of(error)
            with self._in_group(group) as part:
                part._add(prefix, result)

    def set_dataset_timestamp(self, timestamp: datetime) -> None:
        """Say when the data is from, to the millisecond. A merge keeps the earlier of two.

        A time without a time zone is local time, as `datetime.astimezone` takes it.

        Raises:
            TypeError: `timestamp` is no datetime.
            ValueError: it is in none of the years 1 to 9999 in UTC.
        """
        if not isinstance(timestamp, datetime):
            raise TypeError(f"got a {type(timestamp).__name__}; expected a datetime")
        self._core.dataset_timestamp = to_ms(to_utc(timestamp))

    def view(self) -> ProfileView:
        """A frozen copy of the profile as it is now."""
        return ProfileView(self._core.copy())

    def __getstate__(self) -> tuple[Any, ...]:
        """Return what a pickle or a copy needs, of which neither profile changes the other."""
        core = self._core
        return self._reading, core.exemplars, core.rows, core.encode()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Become the profile of that state."""
        reading, exemplars, sample, data = state
        Profile.__init__(self, reading=reading, exemplars=exemplars, sample=sample)
        self._core.merge(_core.Profile.decode(data))

    def __repr__(self) -> str:
        """How much is in it."""
        return f"<Profile: {counted_in(self._core.copy())}>"


def check_logged(
    row: object, columns: object, table: object, roles: object, functions: Sequence[object] = ()
) -> None:
    """Refuse what `Profile.log` cannot have been meant to be called with.

    Raises:
        TypeError: not exactly one of `row`, `columns` and `table` is given, or `roles` is another.
    """
    if (row is not None) + (columns is not None) + (table is not None) != 1:
        raise TypeError("log takes exactly one of row, columns and table")
    if roles is not None and (roles != "image" or table is None):
        raise TypeError(f"roles is {roles!r}; expected 'image', for table=")
    if roles is not None and functions:
        raise TypeError("got functions with roles; expected rows that are not measured images")


def checked_tags(tags: Any) -> dict[str, str]:
    """Return tags by name.

    Raises:
        TypeError: they are no dict of strings.
        ValueError: they are more than 64, or a name or value is empty, no Unicode, or longer than
            64 and 128 bytes.
    """
    if not isinstance(tags, Mapping) or not all(
        isinstance(text, str) for pair in tags.items() for text in pair
    ):
        raise TypeError(f"tags is {tags!r}; expected a dict of strings such as {{'model': 'v7'}}")
    if len(tags) > _MOST_TAGS:
        raise ValueError(f"got {len(tags)} tags; expected at most {_MOST_TAGS}")
    for pair in tags.items():
        for text, most in zip(pair, (_LONGEST_NAME, _LONGEST_VALUE), strict=True):
            if not 0 < len(text.encode(errors="surrogatepass")) <= most or not text.isprintable():
                raise ValueError(
                    f"tags has the text {text!r}; expected 1 to {most} bytes of visible characters"
                )
    return dict(tags)


def _count(what: str, count: Any, most: int) -> int:
    try:
        whole = operator.index(count)
    except TypeError:
        raise TypeError(f"{what} is {count!r}; expected an integer") from None
    if not 0 <= whole <= most:
        raise ValueError(f"{what} is {count}; expected 0 to {most}")
    return whole
