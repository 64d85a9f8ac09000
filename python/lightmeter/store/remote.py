"""The store behind a server: tries that are repeated, answers that are bounded, errors in words."""

import contextlib
import json
import logging
import os
import random
import re
import time
import urllib.request
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, NoReturn, TypeVar
from urllib.parse import quote, unquote, urlencode, urlsplit

import filelock
import urllib3
from pydantic import BaseModel, ValidationError

from lightmeter.bounded import bounded
from lightmeter.errors import ConflictError, DecodeError, StoreError
from lightmeter.nesting import parse_json
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import parse_segment, segment_text
from lightmeter.store import models, tables
from lightmeter.store.address import is_loopback, server_address
from lightmeter.store.profiles import Place, checked_name
from lightmeter.store.spool import Entry, Spool
from lightmeter.store.store import Store
from lightmeter.store.tables import Moment, Part
from lightmeter.text import shorten
from lightmeter.times import MILLISECOND, duration_text, from_ms, to_duration, to_utc

_Model = TypeVar("_Model", bound=BaseModel)

# Seconds
_TRY = 20.0  # for one try
_MERGING = 120.0  # for one that merges profiles
_READING = 20.0  # to try again
_PATIENCE = 5.0  # the same for a put, or closing
_BRIEF = 2.0  # and for what waits
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_REST = 60.0  # for which a server that was away is not asked again

_AGAIN = {408, 429, 502, 503, 504}
_NOT_TAKEN = {408, 429, 503}  # such a try has done nothing
_NEVER = {409, 413, 422}
_FINAL = {400, 415}  # the same, if the server takes anything
_PIECE = 1 << 16
_MOST_IDLE = 8  # connections that are kept
_MOST = 1 << 30  # bytes of an answer, as of the file of a profile
_MOST_WORDS = 400  # of an error that are told
_KEY = re.compile(r"[!-~]{1,512}")
_log = logging.getLogger("lightmeter.store")


class RefusedError(StoreError):
    """A server cannot be reached, or answered something else than was asked for.

    Attributes
    ----------
    status
        Of HTTP; 0 where there was no answer.
    """

    def __init__(self, words: str, status: int = 0) -> None:
        """Say what was answered."""
        super().__init__(words)
        self.status = status

    @property
    def is_away(self) -> bool:
        """Return whether it may be answered later."""
        return self.status in (0, 408, 429) or self.status >= 500


class Answer(NamedTuple):
    """What came back, whole.

    Attributes
    ----------
    status
        Of HTTP.
    headers
        By their names, in any case.
    body
        Its bytes.
    repeated
        Whether an earlier try may have arrived, too.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    repeated: bool = False


class Sent(NamedTuple):
    """What became of the profiles that waited.

    Attributes
    ----------
    sent
        How many the server has now.
    refused
        How many it does not take, which are put aside.
    left
        How many still wait.
    why
        They do; empty if none does.
    """

    sent: int = 0
    refused: int = 0
    left: int = 0
    why: str = ""


class RemoteStore(Store):
    """A store behind a server.

    What is put while the server is away waits on the disk of this machine, see `spool`. Reading
    raises StoreError where the server is away or does not take the key. It puts, reads, and lists
    datasets, segments and buckets. What reads or deletes single profiles, and what monitors and
    alerts remember, needs the store itself: `state`, `gc`, `verify` and the like raise StoreError.

    Attributes
    ----------
    spool
        What waits, in a folder of this machine: below that of ``LIGHTMETER_SPOOL``, or else
        ``~/.local/state/lightmeter/spool``.
    """

    def __init__(
        self, address: str | os.PathLike[str], *, key: str | None = None, create: bool = True
    ) -> None:
        """Take the address of a server. It is asked when there is something to ask.

        Parameters
        ----------
        address
            Such as ``https://host`` or ``https://host/prefix``. Without TLS it must be of this
            machine, unless ``LIGHTMETER_INSECURE_HTTP`` is 1.
        key
            What the server knows the caller by; None takes that of ``LIGHTMETER_KEY``.
        create
            Of no meaning here.

        Raises
        ------
        StoreError
            The address is none of a server, or not safe.
        TypeError, ValueError
            The key is none.
        """
        self.address = self._address = server_address(os.fspath(address))
        self._key = (os.environ.get("LIGHTMETER_KEY") or None) if key is None else key.strip()
        if self._key is not None and not _KEY.fullmatch(self._key):
            raise ValueError("got a key that is empty, too long or not printable ASCII")
        self.spool = Spool(self.address)
        self._hurried, self._closed = float("inf"), False
        self._pool, self._process = _pool_for(self.address, self._key), os.getpid()
        self._rest_until = 0.0
        self._taken = False  # something, with this key

    def send(self, *, seconds: float = float("inf")) -> Sent:
        """Send what waits, in order; return what became of it. What comes meanwhile is sent, too.

        Parameters
        ----------
        seconds
            After which no more is begun.

        Raises
        ------
        StoreError, OSError
            What waits cannot be read.
        """
        self._rest_until, end = 0.0, time.monotonic() + seconds
        sent, refused, why = 0, 0, ""
        if not self.spool.count():
            return Sent()
        lock = filelock.FileLock(self.spool.path.with_name("sending.lock"), timeout=0)
        with contextlib.suppress(filelock.Timeout), lock:  # else somebody else is sending them
            for number, entry in self.spool.waiting():
                if time.monotonic() > end:
                    break
                try:
                    self._send(entry, patience=_BRIEF)
                    self.spool.drop(number)
                    sent += 1
                except (ConflictError, RefusedError) as error:
                    # Where nothing was taken yet it may be the server that refuses everything.
                    if isinstance(error, ConflictError) or (error.status in _FINAL and self._taken):
                        words = f"{_words_of(entry)}{error}"
                        _log.warning("a profile that waited is put aside: %s", words)
                        self.spool.refuse(number, words)
                        refused += 1
                        continue
                    why = str(error)  # others may fare better, such as those of another dataset
                    if error.status in (0, 200, 401):
                        self._rest(why)
                        break
        left = self.spool.count()
        why = why or "there was no time, or somebody else is sending them"
        return Sent(sent, refused, left, why if left else "")

    def hurry(self, seconds: float) -> None:
        """See `Store.hurry`: what the server has not taken then waits on the disk."""
        self._hurried = time.monotonic() + seconds

    def close(self) -> None:
        """Send what waits, for a few seconds at most, and end the connections."""
        self._hurried = min(self._hurried, time.monotonic() + _PATIENCE)
        with contextlib.suppress(StoreError, OSError):
            if time.monotonic() >= self._rest_until:
                self.send()
        self._closed = True
        if self._process == os.getpid():
            self._pool.clear()

    def __getattr__(self, name: str) -> NoReturn:
        """Say where the results of monitors and single profiles are, which need the database."""
        if name in ("_database", "state"):
            raise StoreError(
                f"{self.address} is a server, which keeps the results of its monitors and its "
                "single profiles; look at its pages, or do this where the store is"
            )
        raise AttributeError(name)

    # Writing

    def define(self, dataset: str, every: str | timedelta) -> None:
        """See `Store.define`. While the server is away nothing happens; `put` says it again."""
        length = duration_text(to_duration(every))
        query = {"dataset": checked_name(dataset=dataset), "every": length}
        try:
            self._ask("PUT", "/dataset", query, patience=_BRIEF)
        except RefusedError as error:
            if not error.is_away:
                raise

    def _put(self, view: ProfileView, place: Place, seq: int | None, every: int | None) -> bool:
        """While the server is away the profile waits on this machine's disk.

        It is on a disk, here or there, once this returns. What waits is sent by the next put or
        closing of a store of this address, also in another process.

        Raises
        ------
        StoreError
            The server refuses it, or is away and the profile cannot wait.
        """
        if os.environ.get("LIGHTMETER_SEND_EXEMPLARS") != "1":
            view = view.without_pictures()
        # What is sent late, or twice, must not replace what is newer.
        number = clock_number() if seq is None else seq
        length = duration_text(every * MILLISECOND) if every else None
        dataset, segment, at, writer = place
        where = dataset, segment, writer, str(from_ms(at))
        entry = Entry(*where, number, seq is None, length, view.to_bytes())
        why = f"{self.address} was away a moment ago"
        if time.monotonic() >= self._rest_until:
            try:
                kept = self._send(entry, patience=_PATIENCE)
            except RefusedError as error:
                # Where nothing was ever taken it is rather the address or key that is wrong, of
                # which somebody should hear now.
                if error.status in _FINAL or not (error.is_away or self._taken):
                    raise
                why = str(error)
                self._rest(why)
            else:
                try:
                    if kept:  # what waited for it is older
                        self.spool.forget(entry)
                    self.send(seconds=_BRIEF)
                except (StoreError, OSError) as error:  # which holds nobody up
                    _log.warning("%s", error)
                return kept
        try:
            return self.spool.add(entry)
        except StoreError as error:
            words = f"{_words_of(entry)}it is lost unless it is put again: {why}; {error}"
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
            # A clock was once ahead. A number up to now is that of a later put, which this one must
            # not replace.
            ahead = is_time and not found.kept and found.seq > clock_number()
            if not ahead or number > entry.seq:
                # Of a try whose answer was lost, the next one finds what it kept.
                return found.kept or (answer.repeated and found.seq == number)
            number = found.seq + 1

    def _rest(self, why: str) -> None:
        """Leave the server alone for a while, and not all for the same."""
        _log.warning("%s; profiles wait in %s", why, self.spool.path)
        self._rest_until = time.monotonic() + random.uniform(_REST / 2, _REST)

    # Reading

    def snapshot(self) -> contextlib.AbstractContextManager[object]:
        """Nothing: what a server answers is of the moment at which it is asked."""
        return contextlib.nullcontext()

    def datasets(self) -> dict[str, timedelta]:
        """See `Store.datasets`."""
        return self._get("/datasets", models.Datasets).datasets

    def segments(self, dataset: str) -> list[dict[str, str]]:
        """See `Store.segments`."""
        tags = segment_text(self._tags)
        answer = self._get("/segments", models.Segments, dataset=dataset, tags=tags)
        return list(map(parse_segment, answer.segments))

    def buckets(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> list[tables.Bucket]:
        """See `Store.buckets`."""
        where = self._where(dataset, start, end, segment)
        answer = self._get("/buckets", models.Buckets, **where)
        return [tables.Bucket(**dict(line)) for line in answer.buckets]

    def rolled_up(self, dataset: str, *, writer: str, segment: Part = None) -> list[datetime]:
        """See `Store.rolled_up`. While the server is away nothing is known, so none."""
        where = {"dataset": dataset, "writer": writer, "segment": segment_text(segment)}
        try:
            return self._get("/rolled_up", models.RolledUp, **where).starts
        except RefusedError as error:
            if error.status == 404 or error.is_away:  # a dataset that is not there yet
                return []
            raise

    def read(
        self, dataset: str, start: Moment = None, end: Moment = None, *, segment: Part = None
    ) -> ProfileView:
        """See `Store.read`. The server merges; a warning says how many damaged it left out."""
        where = self._where(dataset, start, end, segment)
        answer = self._ask("GET", "/profile", where, seconds=_MERGING)
        if (damaged := answer.headers.get("x-lightmeter-damaged", "0")) != "0":
            words = f"{damaged[:20]} damaged profiles of {dataset!r} are left out"
            warnings.warn(f"{words}; see `lightmeter store verify`", stacklevel=2)
        try:
            return ProfileView.from_bytes(answer.body)
        except DecodeError as error:
            raise self._strange(f"no profile ({error})") from None

    def _where(self, dataset: str, start: Moment, end: Moment, segment: Part) -> dict[str, Any]:
        """Return the parameters that say which buckets."""
        return {
            "dataset": checked_name(dataset=dataset),
            "start": start and to_utc(start).isoformat(),
            "end": end and to_utc(end).isoformat(),
            "segment": segment_text(segment),
            "tags": segment_text(self._tags),
        }

    # Asking

    def _get(self, path: str, model: type[_Model], **query: Any) -> _Model:
        return self._read(self._ask("GET", path, query), model)

    def _read(self, answer: Answer, model: type[_Model]) -> _Model:
        """Return the model in an answer.

        Raises
        ------
        RefusedError
            It is none.
        """
        try:
            return model.model_validate_json(answer.body)
        except ValidationError:
            raise self._strange(f"no {model.__name__} of the API") from None

    def _strange(self, what: str) -> RefusedError:
        """Return the error for an answer that a server of lightmeter would not give."""
        words = "is it the address of a server of lightmeter, and of this version?"
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
        """Return the answer of the server, with status 200; try again where that may help.

        Parameters
        ----------
        method
            Of HTTP. Everything that the API takes may be repeated.
        path
            Of the API.
        query
            Parameters; those that are None or empty are left out.
        body
            The bytes of a profile to send.
        patience
            Seconds after which no further try is begun; None takes `_READING`.
        seconds
            How long the server may work on it; None takes `_TRY`.

        Raises
        ------
        ConflictError
            The server never takes it, such as what a roll-up holds.
        RefusedError
            There is no answer, or another than was asked for.
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
                words = f"{self.address} is away, tried {tries} times: {why}"
                raise RefusedError(words, status)
            time.sleep(pause)

    def _tried(self, method: str, url: str, body: bytes | None, seconds: float) -> Answer:
        if self._closed:
            raise StoreError(f"the store {self.address!r} is closed")
        if self._process != os.getpid():  # parent and child would mix up their answers
            self._pool, self._process = _pool_for(self.address, self._key), os.getpid()
        until = time.monotonic() + seconds

        def exchange() -> Answer:
            options: Any = {"timeout": seconds, "redirect": False, "preload_content": False}
            response = self._pool.request(method, url, body, decode_content=False, **options)
            received = bytearray()
            with contextlib.closing(response):  # what was read to its end is kept open
                # `read1` bounds a piece also where a chunk claims fewer bytes than none.
                while piece := response.read1(_PIECE):
                    received += piece
                    if len(received) > _MOST:
                        raise self._strange(f"more than {_MOST} bytes")
            return Answer(response.status, response.headers, bytes(received))

        # There may be less time than was thought.
        return bounded(exchange, lambda: min(until, self._hurried))

    def _error(self, answer: Answer) -> StoreError:
        status, reason = answer.status, self._reason(answer)
        words = f"{self.address} answered {status}{reason}"
        if status in _NEVER:
            return ConflictError(words)
        if 300 <= status < 400:
            place = self._clean(answer.headers.get("location", "elsewhere"))
            words = f"{self.address} leads to {place}; give that address, if you trust it"
        elif status == 401:
            asks = "asks for a key" if self._key is None else "does not take the key"
            words = f"{self.address} {asks}{reason}; set LIGHTMETER_KEY, or give `key`"
        return RefusedError(words, status)

    def _reason(self, answer: Answer) -> str:
        """Return what the server gives as its reason."""
        try:
            return f": {self._clean(''.join(parse_json(answer.body)['error']))}"
        except (ValueError, TypeError, KeyError):
            return ""

    def _clean(self, words: str) -> str:
        """Return what somebody says on one line, and without the key that he was asked with."""
        for form in {self._key, quote(self._key, safe="")} if self._key else ():
            words = words.replace(form, "...").replace(json.dumps(form)[1:-1], "...")
        return shorten(" ".join(words.split()), _MOST_WORDS)


def _pool_for(address: str, key: str | None) -> urllib3.PoolManager:
    """Return connections to a server, by the proxy that the environment names for it.

    Raises
    ------
    StoreError
        It is no proxy of HTTP. The error does not tell its password.
    """
    headers = {"User-Agent": "lightmeter", "Accept-Encoding": "identity"}
    headers |= {"Content-Type": "application/octet-stream"}
    headers |= {} if key is None else {"Authorization": f"Bearer {key}"}
    options: Any = {"maxsize": _MOST_IDLE, "retries": False, "headers": headers}
    parts = urlsplit(address)
    host = parts.hostname or ""
    proxy = urllib.request.getproxies().get(parts.scheme)
    if not proxy or is_loopback(host) or urllib.request.proxy_bypass(host):
        return urllib3.PoolManager(**options)
    try:
        by = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        theirs = urllib3.make_headers(proxy_basic_auth=by.auth and unquote(by.auth))
        return urllib3.ProxyManager(by._replace(auth=None).url, proxy_headers=theirs, **options)
    except (urllib3.exceptions.HTTPError, ValueError, AssertionError):
        words = "cannot be used; expected one such as http://host:3128"
        raise StoreError(f"the proxy that {parts.scheme}_proxy names {words}") from None


def clock_number() -> int:
    """Return the number of what is put now: microseconds since 1970."""
    return time.time_ns() // 1000


def _words_of(entry: Entry) -> str:
    place = f"{entry.dataset!r} {entry.segment}".rstrip()
    return f"the profile of {place} {entry.at} by {entry.writer!r}: "
