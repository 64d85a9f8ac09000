"""Profiles: what is known of a set of images, small and mergeable."""

import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from lightmeter import _core
from lightmeter.errors import ImageError
from lightmeter.files import path_bytes
from lightmeter.image.arrays import check_layout
from lightmeter.image.exif import DATES, DEFAULT_POLICY, ExifPolicy
from lightmeter.image.failure import Failure
from lightmeter.image.limits import DEFAULT_LIMITS, Limits
from lightmeter.image.measure import ImageLike, Measured, check_frames, measure_images
from lightmeter.image.meter import ImageMeter
from lightmeter.profile.tables import columns_of
from lightmeter.profile.values import Values, check_names, is_image, plain_value, split_values
from lightmeter.profile.view import ProfileView, counted

__all__ = ["Profile"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Profile:
    """A growing profile of images and of other values beside them.

    Threads may add to one profile at once where Python has a global interpreter lock; a view taken
    meanwhile may hold a part of what a call adds. Without that lock a profile belongs to one thread
    at a time. A `ProfileView` may be read from any.
    """

    def __init__(
        self,
        prefix: str = "image",
        *,
        channels: str = "RGB",
        layout: str | None = None,
        value_range: tuple[float, float] | None = None,
        frames: str = "first",
        exif: ExifPolicy = DEFAULT_POLICY,
        limits: Limits = DEFAULT_LIMITS,
        exemplars: int = 0,
    ) -> None:
        """Start empty.

        Args:
            prefix: first part of the feature names, as in ``image.Hue.mean``.
            channels: order of the colour channels of arrays, ``"RGB"`` or ``"BGR"``.
            layout: order of the dimensions of arrays, as for `lightmeter.log_image`.
            value_range: black and white of samples of more than 8 bits, likewise.
            frames: ``"first"`` or ``"all"`` of a file that has several, likewise.
            exif: which Exif tags to track; by default none that are personal.
            limits: what one image may cost.
            exemplars: pictures to keep of each numeric feature of images at either end, and at
                random, at most 16: JPEGs of 80 pixels and 4 kB at most with their paths, of images
                that Pillow reads. Nothing else in a profile holds pixels.

        Raises:
            TypeError: `prefix` is no string, or `limits` are no `Limits`.
            ValueError: an argument is out of range.
        """
        check_names([prefix])
        check_layout(layout)
        check_frames(frames)
        ImageMeter(channels=channels, value_range=value_range)
        if not isinstance(limits, Limits):
            raise TypeError(f"limits is a {type(limits).__name__}; expected Limits")
        self._core = _core.Profile()
        self._core.exemplars = exemplars
        self._exif = exif
        self._prefix = prefix
        self._reading: dict[str, Any] = {
            "channels": channels,
            "layout": layout,
            "value_range": value_range,
            "frames": frames,
            "exif": exif,
            "limits": limits,
            "thumbnail": exemplars > 0,
        }

    def track(self, image: ImageLike) -> None:
        """Add one image, in any form that `lightmeter.log_image` takes.

        Raises:
            ImageError: it cannot be measured; the profile is unchanged.
        """
        self._track(self._prefix, image)

    def track_many(self, images: Iterable[ImageLike]) -> None:
        """Add images; one that cannot be measured is counted in ``image.Failure``."""
        self._track_many(self._prefix, images)

    def log(
        self,
        *,
        row: Mapping[str, Any] | None = None,
        columns: Mapping[str, Any] | None = None,
        table: object | None = None,
    ) -> None:
        """Add a row or a table, as `lightmeter.log` takes them, with the same limits.

        Raises:
            ImageError: an image in `row` cannot be measured; in a table such an image is counted in
                ``<column>.Failure``.
            TypeError: not exactly one argument is given, or a name or value cannot be logged.
            ValueError: columns of different lengths, two of one name, or a name that is no text.
            ImportError: only pyarrow could read `table`, and that is not installed.
        On any error the profile is unchanged.
        """
        if (row is not None) + (columns is not None) + (table is not None) != 1:
            raise TypeError("log takes exactly one of row, columns and table")
        if row is not None:
            self._log_row(row)
        else:
            by_name = columns_of(table) if columns is None else columns
            check_names(by_name)
            self._log_columns({name: split_values(by_name[name], name) for name in by_name})

    def _log_row(self, row: Mapping[str, Any]) -> None:
        """All is looked at and measured before anything is added."""
        if type(row) is dict and self._core.log_row(row):
            return
        check_names(row)
        plain = {name: plain_value(value, name) for name, value in row.items()}
        measured = {
            name: list(measure_images(value, **self._reading))
            for name, value in plain.items()
            if is_image(value)
        }
        for name, images in measured.items():
            for image in images:
                self._log_measured(name, image)
        self._core.log_row({name: plain[name] for name in plain if name not in measured})

    def _log_columns(self, columns: Mapping[str, Values]) -> None:
        lengths = {name: values.rows for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of different lengths: {lengths}")
        for name, values in columns.items():
            self._track_many(name, values.images)
            if len(values.images) == values.rows > 0:
                continue  # no feature of the plain name
            self._core.log_numbers(name, values.integers)
            self._core.log_numbers(name, values.fractions)
            for text, count in values.strings.items():
                self._core.log_string(name, text, count)
            self._core.log_nulls(name, values.missing)

    def _track(self, prefix: str, image: ImageLike, threads: int | None = None) -> None:
        images = measure_images(image, threads=threads, **self._reading)
        first, second = next(images), next(images, None)
        if second is None:
            self._log_measured(prefix, first)
            return
        # All of them, or none.
        together = Profile(exif=self._exif, exemplars=self._core.exemplars)
        for one in itertools.chain((first, second), images):
            together._log_measured(prefix, one)
        self._core.merge(together._core)

    def _log_measured(self, prefix: str, measured: Measured) -> None:
        meter, exif, facts, thumbnail = measured
        self._core.log_image(prefix, meter._core, meter.mode)
        if exif is not None:
            allow, deny = list(self._exif.allow), list(self._exif.deny)
            self._core.log_exif(prefix, exif, allow, deny, DATES)
        if facts is not None:
            self._core.log_facts({f"{prefix}.{name}": value for name, value in facts.items()})
        if thumbnail is not None:
            key = thumbnail.key(meter.measurement())
            self._core.log_exemplar(prefix, meter._core, key, thumbnail.path, thumbnail.jpeg)

    def _track_many(
        self, prefix: str, images: Iterable[ImageLike], threads: int | None = None
    ) -> None:
        for image in images:
            try:
                self._track(prefix, image, threads)
            except ImageError as error:
                self._log_failure(prefix, Failure.of(error))

    def _log_failure(self, prefix: str, failure: Failure) -> None:
        path = b"" if failure.path is None else path_bytes(failure.path)
        detail = failure.detail.encode(errors="replace").decode()
        self._core.log_failure(prefix, path, failure.reason, detail)

    def set_dataset_timestamp(self, timestamp: datetime) -> None:
        """Say when the data is from, to the millisecond. A merge keeps the earlier of two.

        Raises:
            TypeError: `timestamp` is no datetime.
            ValueError: it has no time zone, or is in none of the years 1 to 9999 in UTC.
        """
        if not isinstance(timestamp, datetime):
            raise TypeError(f"got a {type(timestamp).__name__}; expected an aware datetime")
        if timestamp.tzinfo is None or timestamp.utcoffset() is None:
            raise ValueError(
                f"got {timestamp!r} without a time zone; "
                "expected an aware datetime, such as datetime.now(timezone.utc)"
            )
        try:
            moment = timestamp.astimezone(UTC)
        except OverflowError:
            raise ValueError(
                f"got {timestamp!r}; expected a time in the years 1 to 9999 in UTC"
            ) from None
        self._core.dataset_timestamp = (moment - _EPOCH) // _MILLISECOND

    def view(self) -> ProfileView:
        """A frozen copy of the profile as it is now."""
        return ProfileView(self._core.copy())

    def __copy__(self) -> Self:
        """A profile of its own, which grows on its own."""
        twin = object.__new__(type(self))
        vars(twin).update(vars(self), _core=self._core.copy())
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The same: nothing else in it changes."""
        return self.__copy__()

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the core by the bytes of its view."""
        return {**vars(self), "_core": (self._core.encode(), self._core.exemplars)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read the core again."""
        encoded, exemplars = state["_core"]
        vars(self).update(state, _core=_core.Profile.decode(encoded))
        self._core.exemplars = exemplars

    def __repr__(self) -> str:
        """How much is in it."""
        return f"<Profile: {counted(self._core)}>"
