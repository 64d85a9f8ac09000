"""An inbox: profiles as immutable objects in object storage or a folder, which a store pulls.

Each object is a profile file. Its name below the address of the inbox is

    <dataset>/<start of the bucket>_<its length>ms/<segment>/<writer>/<seq>.lmp

with percent-encoded parts, and `-` as the segment of the whole dataset.
"""

import contextlib
import os
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote, unquote

import sqlalchemy as sa

from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import Segment, segment_text
from lightmeter.store.profiles import checked_name, checked_seq
from lightmeter.store.store import Store
from lightmeter.store.tables import has, profile
from lightmeter.times import MILLISECOND, bucket_start, to_duration, to_ms

# Limits of a profile, the same as for a server
MOST_BYTES = 16 * 2**20
MOST_FEATURES = 10_000
_MOST_FEATURE_NAME = 1000  # characters
_RETRIES = {"max_retries": 5, "retry_timeout": timedelta(seconds=20)}
_AT_ONCE = 16  # writers, each with one object of at most 16 MiB in memory
_MOST_NAMED = 20  # objects that warnings name
# Objects in folders whose name is empty, "." or ".." cannot be listed.
_ADDRESS = re.compile(r"(s3|gs|az|file|memory)://(?!/?.*(//|/\.{1,2}(/|$)))[^?@#\0-\x1f]*")
_NOT_UNDERSTOOD = re.compile(r'invalid path: .*?"(.*?)"(?= contained|: )', re.DOTALL)
_SECRET = re.compile(r"secret|token|passw|key|credential|connection|sas", re.IGNORECASE)


class Place(NamedTuple):
    """The parts of the name of an object; `segment` is its text."""

    dataset: str
    start: datetime
    length: timedelta
    segment: str
    writer: str
    seq: int

    @property
    def name(self) -> str:
        """Return the name of the object."""
        start = self.start.replace(tzinfo=None).isoformat(timespec="milliseconds").replace(":", "")
        bucket = f"{start}Z_{self.length // MILLISECOND}ms"
        parts = _quoted(self.dataset), bucket, self.segment or "-", _quoted(self.writer)
        return f"{'/'.join(parts)}/{self.seq}.lmp"


def _quoted(name: str) -> str:
    """Return a name as that of a folder, which is neither hidden nor `..`."""
    return re.sub(r"^\.", "%2E", quote(name, safe=""))


def _place(*values: Any) -> Place:
    """Check a place and return it with the start of its bucket and its segment as text."""
    place = Place(*values)
    checked_name(dataset=place.dataset, writer=place.writer)
    start, segment = bucket_start(place.start, place.length), segment_text(place.segment)
    return place._replace(start=start, segment=segment, seq=checked_seq(place.seq))


def parse_name(name: str) -> Place | None:
    """Parse the name of an object; return None if `Inbox.put` writes no such name."""
    try:
        dataset, bucket, segment, writer, file = name.split("/")
        start, _, length = bucket.partition("_")
        times = datetime.fromisoformat(start), int(length.removesuffix("ms")) * MILLISECOND
        part, seq = "" if segment == "-" else segment, int(file.removesuffix(".lmp"))
        place = _place(unquote(dataset), *times, part, unquote(writer), seq)
    except (ValueError, TypeError, ArithmeticError):
        return None
    return place if place.name == name else None


def check_profile(view: ProfileView, place: Place) -> None:
    """Raise ValueError if a profile is not from the bucket of a place, or is too large."""
    at, longest = view.dataset_timestamp, max(map(len, view), default=0)
    if at is None or not place.start <= at < place.start + place.length:
        raise ValueError(
            f"got a profile of {at}; expected one of the bucket that starts at {place.start}"
        )
    if len(view) > MOST_FEATURES or longest > _MOST_FEATURE_NAME:
        got = f"{len(view)} features with names of up to {longest} characters"
        raise ValueError(f"got {got}; expected at most {MOST_FEATURES} and {_MOST_FEATURE_NAME}")


class Inbox:
    """An inbox of immutable profiles in S3, Google or Azure storage, a folder, or memory.

    It needs the extra ``inbox``. Threads may share an inbox. After a process has used an inbox, a
    forked child gets StoreError from every inbox, because the threads of obstore do not survive a
    fork: fork earlier, or spawn.

    Attributes
    ----------
    address
        The address of the inbox.

    Examples
    --------
    >>> inbox = Inbox("memory:///")  # or "s3://bucket/drift"
    >>> inbox.put("cells", view, at=date(2022, 9, 7), writer="microscope 1", seq=1)
    """

    # The process that uses obstore. The threads of obstore do not survive a fork, so a call in a
    # child would wait for ever.
    _owner: ClassVar[int | None] = None

    def __init__(self, address: str, *, exemplars: bool | None = None, create: bool = True) -> None:
        """Check the address, without sending anything.

        Parameters
        ----------
        address
            ``s3://``, ``gs://`` or ``az://`` with a container and an optional prefix,
            ``file:///path``, or ``memory:///``. Credentials and the endpoint come from the
            environment, such as ``AWS_ACCESS_KEY_ID``.
        exemplars
            Whether to include thumbnails, the list of files that could not be measured, and paths;
            None includes them only if ``LIGHTMETER_SEND_EXEMPLARS=1`` is set.
        create
            Whether to create a missing folder.

        Raises
        ------
        StoreError
            Obstore is not installed, or the address is invalid.
        """
        if (scheme := _ADDRESS.fullmatch(address)) is None:
            raise StoreError(
                "this is not the address of an inbox; expected s3://, gs://, az://, file:/// or "
                "memory:///, without a password or query, and without folders named '.', '..' or ''"
            )
        try:
            import obstore
            from obstore.store import from_url
        except ImportError as error:
            raise StoreError("an inbox needs obstore: pip install 'lightmeter[inbox]'") from error
        asked = os.environ.get("LIGHTMETER_SEND_EXEMPLARS") == "1"
        self._exemplars = asked if exemplars is None else exemplars
        self.address, self._obstore = address, obstore
        options = {"file": {"mkdir": create, "automatic_cleanup": True}, "memory": {}}
        try:
            self._objects = from_url(address, **options.get(scheme[1], {"retry_config": _RETRIES}))
        except Exception as error:
            raise self._failed("opening", error) from None

    def put(
        self,
        dataset: str,
        view: ProfileView,
        *,
        at: datetime | date,
        writer: str,
        segment: Segment | None = None,
        seq: int,
        every: str | timedelta | None = None,
    ) -> str:
        """Write the cumulative profile of a writer for a bucket.

        After an error, call this again with the same arguments: it writes the same object, so no
        image counts twice.

        Parameters
        ----------
        dataset
            The name of the dataset.
        view
            The profile; one without a dataset timestamp gets the start of the bucket.
        at
            A time in the bucket; a time without a zone is local, and a date means its midnight in
            UTC.
        writer
            The name of the writer. Independent writers need different names.
        segment
            A segment such as ``{"camera": "left"}``; None for the whole dataset.
        seq
            A number that rises with each profile of this writer and bucket.
        every
            The length of the buckets of the dataset, which must be the same in the store; None
            takes a day.

        Returns
        -------
        str
            The name of the object.

        Raises
        ------
        TypeError
            An argument has the wrong type.
        ValueError
            The profile is not from the bucket, or has more than 10 000 features; `every` or
            `segment` is invalid; a name is empty.
        StoreError
            The profile has more than 16 MiB, or the object cannot be written, for example because
            its name and the prefix are longer than the 1024 bytes that services accept.
        """
        length = to_duration("1d" if every is None else every)
        place = _place(dataset, at, length, segment, writer, seq)
        core = (view if self._exemplars else view.without_exemplars())._core.copy()
        if core.dataset_timestamp is None:
            core.dataset_timestamp = to_ms(place.start)
        view = ProfileView(core)
        check_profile(view, place)
        name, data = place.name, view.to_bytes()
        if len(data) > MOST_BYTES:
            raise StoreError(f"got a profile of {len(data)} bytes; expected at most {MOST_BYTES}")
        with self._using(f"writing {name}") as objects:
            self._obstore.put(objects, name, data, use_multipart=False)
        return name

    def list(self) -> dict[str, int]:
        """Return the names of all objects with their sizes in bytes.

        A foreign name that obstore cannot parse, such as one with two slashes in a row, has the
        size -1 and hides the names before it in its folder.

        Raises
        ------
        StoreError
            The inbox cannot be listed.
        """
        obstore, sizes, folders = self._obstore, dict[str, int](), [""]
        with self._using("listing") as objects:
            while folders:
                folder, pages = folders.pop(), list[Any]()
                prefix, wrong = folder or None, obstore.exceptions.BaseError
                try:
                    pages = [*obstore.list(objects, prefix)]
                except wrong as error:
                    if (match := _NOT_UNDERSTOOD.search(str(error))) is None:
                        raise
                    sizes[match[1]] = -1
                    with contextlib.suppress(wrong):  # the name is in this folder
                        pages = [*obstore.list(objects, prefix, offset=f"{folder}/0".lstrip("/"))]
                    with contextlib.suppress(wrong):  # the name is in a folder below
                        level = obstore.list_with_delimiter(objects, prefix)
                        pages = [level["objects"]]
                        folders += level["common_prefixes"]
                sizes.update((item["path"], item["size"]) for page in pages for item in page)
        return sizes

    def read(self, name: str) -> bytes | None:
        """Return the bytes of an object; None if it does not exist.

        Raises
        ------
        StoreError
            The object cannot be read.
        """
        with self._using(f"reading {name}") as objects, contextlib.suppress(FileNotFoundError):
            return bytes(self._obstore.get(objects, name).bytes())
        return None

    def delete(self, name: str) -> None:
        """Delete an object if it exists.

        Raises
        ------
        StoreError
            The object cannot be deleted.
        """
        with self._using(f"deleting {name}") as objects, contextlib.suppress(FileNotFoundError):
            self._obstore.delete(objects, name)

    @contextlib.contextmanager
    def _using(self, action: str) -> Iterator[Any]:
        Inbox._owner = Inbox._owner or os.getpid()
        try:
            if Inbox._owner != os.getpid():
                raise OSError(
                    "this process was forked after its parent used an inbox; fork earlier, or spawn"
                )
            yield self._objects
        except Exception as error:
            raise self._failed(action, error) from None

    def _failed(self, action: str, error: Exception) -> StoreError:
        """Return the beginning of an error, without queries and secrets of the environment."""
        values = (value for key, value in os.environ.items() if _SECRET.search(key))
        secrets = sorted((re.escape(value) for value in values if len(value) >= 6), key=len)
        words = " ".join(str(error).partition("\n\nDebug")[0].split())
        words = re.sub("|".join([*reversed(secrets), r"\?\S*=\S*"]), "***", words)
        return StoreError(f"{self.address}: {action} failed: {words[:500]}")


class Pulled(NamedTuple):
    """The numbers of objects by the outcome of `pull`.

    Attributes
    ----------
    new
        Objects that were put into the store.
    known
        Objects that were already in the store.
    superseded
        Objects for which the store has a later profile of the writer.
    refused
        Objects that stay in the inbox because their bucket was rolled up with an earlier profile of
        the writer, or because the buckets of the dataset have another length.
    damaged
        Foreign or damaged objects, which stay in the inbox.
    """

    new: int
    known: int
    superseded: int
    refused: int
    damaged: int


def pull(inbox: Inbox, store: Store, *, delete: bool = False) -> Pulled:
    """Put the profiles of an inbox into a store, and return what happened to its objects.

    Only the last profile of each writer and bucket is read. It is safe to interrupt this call: it
    keeps no state, and the next call asks the store which profiles it has.

    Parameters
    ----------
    inbox
        The inbox to read.
    store
        The store to write.
    delete
        Whether to delete the objects that are in the store now, and those for which the store has a
        later profile of the writer.

    Raises
    ------
    StoreError
        The inbox cannot be listed or read, or the store cannot be written.

    Warns
    -----
    UserWarning
        For each object that stays in the inbox, up to 20.
    """
    outcomes: list[tuple[str, str, str]] = []  # a count, a name, and why the object is left
    rows: dict[Place, list[Place]] = defaultdict(list)
    for name, size in inbox.list().items():
        if (place := parse_name(name)) and 0 < size <= MOST_BYTES:
            rows[place._replace(seq=0)].append(place)
        else:
            why = f"it has {size} bytes" if place else "its name is not that of a profile"
            why = why if size >= 0 else "its name cannot be parsed and hides other objects"
            outcomes.append(("damaged", name, why))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for found in pool.map(lambda places: _put_last(inbox, store, places), rows.values()):
            outcomes += found
        if delete:
            list(pool.map(inbox.delete, [name for _, name, why in outcomes if not why]))
    left = sorted(f"{name!r} stays in {inbox.address}: {why}" for _, name, why in outcomes if why)
    for words in left[:_MOST_NAMED]:
        warnings.warn(words, stacklevel=2)
    counts = Counter(count for count, _, _ in outcomes)
    return Pulled(*(counts[field] for field in Pulled._fields))


def _put_last(inbox: Inbox, store: Store, places: list[Place]) -> list[tuple[str, str, str]]:
    """Put the last intact profile of a row, unless the store has it or a later one."""
    outcomes: list[tuple[str, str, str]] = []
    dataset, start, length, segment, writer, _ = places[0]
    is_row = has(profile, dataset, segment, start, writer), profile.c.span == length // MILLISECOND
    known = max(store._database.rows(sa.select(profile.c.seq).where(*is_row), int), default=None)
    for place in sorted(places, reverse=True):
        count, why = "superseded", ""
        if known is None or place.seq > known:
            if (content := inbox.read(place.name)) is None:  # another pull has deleted it
                continue
            try:
                check_profile(view := ProfileView.from_bytes(content), place)
                more: Any = {"segment": segment, "writer": writer, "every": length}
                is_new = store.put(dataset, view, at=start, seq=place.seq, **more)
                count, known = "new" if is_new else "known", place.seq
            except ConflictError as error:
                count, why = "refused", str(error)
            except (DecodeError, ValueError) as error:
                count, why = "damaged", str(error)
        elif place.seq == known:
            count = "known"
        outcomes.append((count, place.name, why))
    return outcomes
