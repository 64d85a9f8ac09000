"""The store behind a server, with retries and bounded answers."""

import contextlib
import json
import logging
import os
import random
import re
import time
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, NoReturn, TypeVar
from urllib.parse import quote, urlencode

import filelock
import urllib3
from pydantic import BaseModel, ValidationError

from lightmeter.bounded import bounded
from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.nesting import parse_json
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store import models, tables
from lightmeter.store.address import connections, server_address
from lightmeter.store.profiles import Place, checked_name
from lightmeter.store.spool import Entry, Spool
from lightmeter.store.store import Store
from lightmeter.store.tables import Moment, Part
from lightmeter.text import shorten
from lightmeter.times import MILLISECOND, duration_text, from_ms, to_duration, to_utc

_Model = TypeVar("_Model", bound=BaseModel)

# Seconds
_TRY = 20.0  # for one try
_MERGING = 120.0  # for a try of a request that merges profiles
_READING = 20.0  # in which a request may be tried again
_PATIENCE = 5.0  # the same for a put, closing, or what may stay unknown
_BRIEF = 2.0  # the same for spooled profiles
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_REST = 60.0  # at most without requests after a server was unavailable

_AGAIN = {408, 429, 502, 503, 504}
_NOT_TAKEN = {408, 429, 503}  # the server has not processed the request
_NEVER = {409, 413, 422}  # the server will never accept the request
_FINAL = {400, 415}  # the same, if the server has accepted any profile
_PIECE = 1 << 16
_MOST = 1 << 30  # bytes of an answer, the same as of a profile file
_MOST_WORDS = 400  # characters of an error message of a server
_KEY = re.compile(r"[!-~]{1,512}")
_log = logging.getLogger("lightmeter.store")


class RefusedError(StoreError):
    """A server is unavailable, refuses a request, or gives an unexpected answer.

    Attributes
    ----------
    status
        The HTTP status; 0 if there was no answer.
    """

    def __init__(self, words: str, status: int = 0) -> None:
        """Keep the message and the status."""
        super().__init__(words)
        self.status = status

    @property
    def is_away(self) -> bool:
        """Return whether the same request may succeed later."""
        return self.status in (0, 408, 429) or self.status >= 500


class Answer(NamedTuple):
    """A complete answer of the server.

    Attributes
    ----------
    status
        The HTTP status.
    headers
        The headers by name; upper and lower case are the same.
    body
        The bytes of the answer.
    repeated
        Whether an earlier try of the same request may have arrived, too.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    repeated: bool = False


class Sent(NamedTuple):
    """The numbers of spooled profiles by the outcome of `RemoteStore.send`.

    Attributes
    ----------
    sent
        Profiles that the server has accepted.
    refused
        Profiles that the server has refused; the spool sets them aside with the reason.
    left
        Profiles that still wait.
    why
        The reason why profiles wait; empty if none does.
    """

    sent: int = 0
    refused: int = 0
    left: int = 0
    why: str = ""


class RemoteStore(Store):
    """A store behind a server.

    It puts and reads profiles and lists datasets, segments and buckets. A profile that is put while
    the server is unavailable waits on the disk of this machine, in `spool`. Reading raises
    StoreError if the server is unavailable or refuses the key. Single profiles and the state of
    monitors and alerts need the database itself: `state`, `gc`, `verify` and similar methods raise
    StoreError.

    Threads may share it. After a fork, the child opens its own connections.

    Attributes
    ----------
    spool
        The waiting profiles, in a folder below ``LIGHTMETER_SPOOL``, or below
        ``~/.local/state/lightmeter/spool`` if that variable is not set.
    """

    def __init__(
        self, address: str | os.PathLike[str], *, key: str | None = None, create: bool = True
    ) -> None:
        """Check the address of a server, without connecting to it.

        Parameters
        ----------
        address
            An address such as ``https://host`` or ``https://host/prefix``. Without TLS it must be
            that of this machine, unless ``LIGHTMETER_INSECURE_HTTP`` is 1.
        key
            The key with which the server identifies the caller; None takes ``LIGHTMETER_KEY``.
        create
            Ignored.

        Raises
        ------
        StoreError
            The address is not that of a server, or would send the key without encryption.
        TypeError, ValueError
            The key is not a string of 1 to 512 printable ASCII characters.
        """
        self.address = self._address = server_address(os.fspath(address))
        self._key = (os.environ.get("LIGHTMETER_KEY") or None) if key is None else key.strip()
        if self._key is not None and not _KEY.fullmatch(self._key):
            raise ValueError(
                "got a key that is empty, too long or not ASCII; expected one that `lightmeter "
                "serve key add` has printed"
            )
        self.spool = Spool(self.address)
        self._hurried, self._closed = float("inf"), False
        self._pool, self._process = _pool_for(self.address, self._key), os.getpid()
        self._rest_until = 0.0
        self._taken = False  # whether the server has accepted anything with this key

    def send(self, *, seconds: float = float("inf")) -> Sent:
        """Send the waiting profiles in order, including those that are added meanwhile.

        Parameters
        ----------
        seconds
            Seconds after which no further profile is sent.

        Returns
        -------
        Sent
            The numbers of profiles that were sent, were refused, and still wait.

        Raises
        ------
        StoreError, OSError
            The spool cannot be read.
        """
        self._rest_until, end = 0.0, time.monotonic() + seconds
        sent, refused, why = 0, 0, ""
        if not self.spool.count():
            return Sent()
        lock = filelock.FileLock(self.spool.path.with_name("sending.lock"), timeout=0)
        with contextlib.suppress(filelock.Timeout), lock:  # else another process is sending them
            for number, entry in self.spool.waiting():
                if time.monotonic() > end:
                    break
                try:
                    self._send(entry, patience=_BRIEF)
                    self.spool.drop(number)
                    sent += 1
                except (ConflictError, RefusedError) as error:
                    # A server that has accepted nothing yet may refuse everything, for example
                    # because the address is wrong: the profile is not to blame.
                    if isinstance(error, ConflictError) or (error.status in _FINAL and self._taken):
                        words = f"{_words_of(entry)}{error}"
                        _log.warning("the server refused a waiting profile: %s", words)
                        self.spool.refuse(number, words)
                        refused += 1
                        continue
                    why = str(error)  # profiles of other datasets may still be accepted
                    if error.status in (0, 200, 401):
                        self._rest(why)
                        break
        left = self.spool.count()
        why = why or "the time is up, or another process is sending them"
        return Sent(sent, refused, left, why if left else "")

    def hurry(self, seconds: float) -> None:
        """Limit the waiting as `Store.hurry`; profiles not accepted by then go to the spool."""
        self._hurried = time.monotonic() + seconds

    def close(self) -> None:
        """Send waiting profiles for at most 5 seconds, and close the connections."""
        self._hurried = min(self._hurried, time.monotonic() + _PATIENCE)
        with contextlib.suppress(StoreError, OSError):
            if time.monotonic() >= self._rest_until:
                self.send()
        self._closed = True
        if self._process == os.getpid():
            self._pool.clear()

    def __getattr__(self, name: str) -> NoReturn:
        """Raise an error that explains why a server has no database and no state."""
        if name in ("_database", "state"):
            raise StoreError(
                f"{self.address} is a server, which does not give access to single profiles and "
                "the results of monitors; see its pages, or run this on the machine of the store"
            )
        raise AttributeError(name)

    # Writing

    def define(self, dataset: str, every: str | timedelta) -> None:
        """Create a dataset as `Store.define`.

        Nothing happens while the server is unavailable, because `put` repeats the length.
        """
        length = duration_text(to_duration(every))
        query = {"dataset": checked_name(dataset=dataset), "every": length}
        try:
            self._ask("PUT", "/dataset", query, patience=_BRIEF)
            self.spool.remember(dataset, length)
        except RefusedError as error:
            if not error.is_away:
                raise

    def _put(self, view: ProfileView, place: Place, seq: int | None, every: int | None) -> bool:
        """Send a profile, or keep it on the disk of this machine while the server is unavailable.

        When this returns, the profile is on disk, here or there. Waiting profiles are sent by the
        next put, or when a store of this address is closed, also in another process.

        Raises
        ------
        StoreError
            The server refuses the profile, or it is unavailable and the spool is full.
        """
        if os.environ.get("LIGHTMETER_SEND_EXEMPLARS") != "1":
            view = view.without_exemplars()
        # A profile that is sent late, or twice, must not replace a newer one.
        number = clock_number() if seq is None else seq
        length = duration_text(every * MILLISECOND) if every else None
        dataset, segment, at, writer = place
        where = dataset, segment, writer, str(from_ms(at))
        entry = Entry(*where, number, seq is None, length, view.to_bytes())
        why = f"{self.address} was unavailable a moment ago"
        if time.monotonic() >= self._rest_until:
            try:
                kept = self._send(entry, patience=_PATIENCE)
            except RefusedError as error:
                # If the server has never accepted anything, the address or key is probably wrong,
                # which the caller should learn now.
                if error.status in _FINAL or not (error.is_away or self._taken):
                    raise
                why = str(error)
                self._rest(why)
            else:
                try:
                    if kept:  # a waiting profile of the same place is older
                        self.spool.forget(entry)
                    self.send(seconds=_BRIEF)
                except (StoreError, OSError) as error:  # the put itself has succeeded
                    _log.warning("%s", error)
                if length:
                    self.spool.remember(dataset, length)
                return kept
        try:
            return self.spool.add(entry)
        except StoreError as error:
            words = f"{_words_of(entry)}not stored; put it again later: {why}; {error}"
            raise StoreError(words) from None

    def _send(self, entry: Entry, *, patience: float) -> bool:
        """Put a profile on the server.

        Raises
        ------
        ConflictError, RefusedError
            See `_ask`.
        """
        query, number = entry._asdict(), entry.seq
        is_time, body = query.pop("is_time"), query.pop("body")
        while True:
            query["seq"] = number
            answer = self._ask("PUT", "/profile", query, body, patience=patience)
            found = self._read(answer, models.Kept)
            self._taken = True
            # A higher number in the future comes from a clock that was once ahead; go above it. A
            # higher number up to now is that of a later put, which must not be replaced.
            ahead = is_time and not found.kept and found.seq > clock_number()
            if not ahead or number > entry.seq:
                # If the answer to an earlier try was lost, its profile is already there.
                return found.kept or (answer.repeated and found.seq == number)
            number = found.seq + 1

    def _rest(self, why: str) -> None:
        """Send nothing for a random while, so that clients do not return all at once."""
        _log.warning("%s; profiles wait in %s", why, self.spool.path)
        self._rest_until = time.monotonic() + random.uniform(_REST / 2, _REST)

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[object]:
        """Return an empty context: a server answers each request from its own moment."""
        return contextlib.nullcontext()

    def datasets(self) -> dict[str, timedelta]:
        """Return the datasets as `Store.datasets`."""
        return self._get("/datasets", models.Datasets).datasets

    def length(self, dataset: str) -> timedelta | None:
        """Return the length of buckets as `Store.length`."""
        known = self.spool.length(dataset)
        patience = None if known is None else _PATIENCE
        try:
            length = self._get("/datasets", models.Datasets, patience).datasets.get(dataset)
        except RefusedError as error:
            if not error.is_away or known is None:
                raise
            return to_duration(known)
        if length is not None:
            self.spool.remember(dataset, duration_text(length))
        return length

    def segments(self, dataset: str) -> list[dict[str, str]]:
        """Return the segments of a dataset as `Store.segments`."""
        tags = segment_text(self._tags)
        answer = self._get("/segments", models.Segments, dataset=dataset, tags=tags)
        return list(map(parse_segment, answer.segments))

    def buckets(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[tables.Bucket]:
        """Return the buckets with profiles as `Store.buckets`."""
        where = self._where(dataset, start, end, segment)
        answer = self._get("/buckets", models.Buckets, **where)
        return [tables.Bucket(**dict(line)) for line in answer.buckets]

    def rolled_up(self, dataset: str, *, writer: str, segment: Part = None) -> list[datetime]:
        """Return starts of buckets as `Store.rolled_up`; none while the server is unavailable."""
        where = {"dataset": dataset, "writer": writer, "segment": segment_text(segment)}
        try:
            return self._get("/rolled_up", models.RolledUp, _PATIENCE, **where).starts
        except RefusedError as error:
            if error.status == 404 or error.is_away:  # 404: the dataset does not exist yet
                return []
            raise

    def read(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> ProfileView:
        """Return the merge of buckets as `Store.read`.

        The server merges. If it leaves out damaged profiles, a warning gives their number.
        """
        where = self._where(dataset, start, end, segment)
        answer = self._ask("GET", "/profile", where, seconds=_MERGING)
        if (damaged := answer.headers.get("x-lightmeter-damaged", "0")) != "0":
            words = f"left out {damaged[:20]} damaged profiles of {dataset!r}"
            warnings.warn(f"{words}; run `lightmeter store verify` on the server", stacklevel=2)
        try:
            return ProfileView.from_bytes(answer.body)
        except DecodeError as error:
            raise self._strange(f"no profile ({error})") from None

    def _where(self, dataset: str, start: Moment, end: Moment, segment: Part) -> dict[str, Any]:
        """Return the parameters of the API that select buckets."""
        return {
            "dataset": checked_name(dataset=dataset),
            "start": start and to_utc(start).isoformat(),
            "end": end and to_utc(end).isoformat(),
            "segment": segment_text(segment),
            "tags": segment_text(self._tags),
        }

    # Asking

    def _get(
        self, path: str, model: type[_Model], patience: float | None = None, **query: Any
    ) -> _Model:
        return self._read(self._ask("GET", path, query, patience=patience), model)

    def _read(self, answer: Answer, model: type[_Model]) -> _Model:
        """Return the model in an answer.

        Raises
        ------
        RefusedError
            The answer is not a valid model.
        """
        try:
            return model.model_validate_json(answer.body)
        except ValidationError:
            raise self._strange(f"no {model.__name__} of the API") from None

    def _strange(self, what: str) -> RefusedError:
        """Return the error for an answer that no lightmeter server gives."""
        words = "check that the address is that of a lightmeter server of this version"
        return RefusedError(f"{self.address} answered {what}; {words}", 200)

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        body: bytes | None = None,
        *,
        patience: float | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """Return the answer of the server with status 200, after retries if they may help.

        Parameters
        ----------
        method
            The HTTP method. Every request of the API may be repeated.
        path
            The path below ``/api/v1``.
        query
            The parameters; those that are None or empty are left out.
        body
            The bytes of a profile to send.
        patience
            Seconds after which no further try begins; None takes `_READING`.
        seconds
            Seconds that one try may take; None takes `_TRY`.

        Raises
        ------
        ConflictError
            The server will never accept this request, for example because of a roll-up.
        RefusedError
            There is no answer, or an unexpected one.
        """
        given = {name: value for name, value in query.items() if value not in (None, "")}
        url = f"{self.address}/api/v1{path}?{urlencode(given, quote_via=quote)}".rstrip("?")
        end, repeated, tries = time.monotonic() + (patience or _READING), False, 0
        while True:
            status, tries = 0, tries + 1
            try:
                answer = self._tried(method, url, body, seconds or _TRY)
                if (status := answer.status) == 200:
                    return answer._replace(repeated=repeated)
                if status not in _AGAIN:
                    raise self._error(answer)
                why = f"answered {status}{self._reason(answer)}"
            except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                why = self._clean(str(error) or type(error).__name__)
            repeated = repeated or status not in _NOT_TAKEN
            pause = random.uniform(0, min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries))
            if time.monotonic() + pause > min(end, self._hurried):
                words = f"{self.address} is unavailable, tried {tries} times: {why}"
                raise RefusedError(words, status)
            time.sleep(pause)

    def _tried(self, method: str, url: str, body: bytes | None, seconds: float) -> Answer:
        if self._closed:
            raise StoreError(f"the store {self.address!r} is closed")
        if self._process != os.getpid():  # parent and child would read each other's answers
            self._pool, self._process = _pool_for(self.address, self._key), os.getpid()
        until = time.monotonic() + seconds

        def exchange() -> Answer:
            options: Any = {"timeout": seconds, "redirect": False, "preload_content": False}
            response = self._pool.request(method, url, body, decode_content=False, **options)
            received = bytearray()
            with contextlib.closing(response):  # after a complete read the connection is reused
                # `read1` bounds a piece even if a chunk claims a negative size.
                while piece := response.read1(_PIECE):
                    received += piece
                    if len(received) > _MOST:
                        raise self._strange(f"more than {_MOST} bytes")
            return Answer(response.status, response.headers, bytes(received))

        # `hurry` may shorten the time while the request runs.
        return bounded(exchange, lambda: min(until, self._hurried))

    def _error(self, answer: Answer) -> StoreError:
        status, reason = answer.status, self._reason(answer)
        words = f"{self.address} answered {status}{reason}"
        if status in _NEVER:
            return ConflictError(words)
        if 300 <= status < 400:
            place = self._clean(answer.headers.get("location", "elsewhere"))
            words = f"{self.address} redirects to {place}; use that address if you trust it"
        elif status == 401:
            refuses = f"refuses the key{reason}", "another"
            asks, which = refuses if self._key else ("requires a key", "one")
            words = f"{self.address} {asks}; set {which} in LIGHTMETER_KEY, or pass `key`"
        return RefusedError(words, status)

    def _reason(self, answer: Answer) -> str:
        """Return the reason that the server gives; empty if there is none."""
        try:
            return f": {self._clean(''.join(parse_json(answer.body)['error']))}"
        except (ValueError, TypeError, KeyError):
            return ""

    def _clean(self, words: str) -> str:
        """Return a text of the server on one line and without the key."""
        for form in {self._key, quote(self._key, safe="")} if self._key else ():
            words = words.replace(form, "...").replace(json.dumps(form)[1:-1], "...")
        return shorten(" ".join(words.split()), _MOST_WORDS)


def _pool_for(address: str, key: str | None) -> urllib3.PoolManager:
    headers = {"User-Agent": "lightmeter", "Accept-Encoding": "identity"}
    headers |= {"Content-Type": "application/octet-stream"}
    headers |= {} if key is None else {"Authorization": f"Bearer {key}"}
    return connections(address, headers)


def clock_number() -> int:
    """Return the sequence number of a put at this moment: microseconds since 1970."""
    return time.time_ns() // 1000


def _words_of(entry: Entry) -> str:
    place = f"{entry.dataset!r} {entry.segment}".rstrip()
    return f"the profile of {place} {entry.at} by {entry.writer!r}: "
