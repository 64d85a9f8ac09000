"""Profiles on disk that wait for their server: one file each, whole, in order, and bounded."""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from lightmeter.errors import StoreError
from lightmeter.files import read_regular
from lightmeter.nesting import parse_json
from lightmeter.store.buckets import bucket_start
from lightmeter.store.rows import checked_name, checked_seq
from lightmeter.times import MILLISECOND, from_ms, to_ms

__all__ = ["DamagedError", "Entry", "Spool", "spool_folder", "writer_key_of"]

MOST_BYTES = 256 << 20
MOST_FILES = 10_000
_MOST_REFUSED = 1000  # files that are kept to look at
_HEAD = b"lightmeter profile to send 1\n"
_NAME = re.compile(r"([0-9]{16})-([0-9a-f]{32})\.send")
_DIGITS = 16


class DamagedError(Exception):
    """A file that is not what was written."""


class Entry(NamedTuple):
    """A profile to put.

    Attributes:
        dataset: its name.
        at: a time in the bucket, in UTC.
        writer: who writes.
        segment: as text.
        seq: None for the next.
        every: length of the buckets; None for that of the dataset.
        body: bytes of the profile.
    """

    dataset: str
    at: datetime
    writer: str
    segment: str
    seq: int | None
    every: timedelta | None
    body: bytes

    @property
    def writer_key(self) -> str:
        """The same for what may replace each other; only the server knows the bucket of a time."""
        return _digest(self.dataset, self.segment, self.writer)

    @property
    def key(self) -> str:
        """The same for what surely replaces each other; it begins with `writer_key`."""
        known = self.at if self.every is None else bucket_start(self.at, self.every)
        return self.writer_key + _digest(to_ms(known))

    def encode(self) -> bytes:
        """The contents of its file."""
        every = None if self.every is None else self.every // MILLISECOND
        place = [self.dataset, to_ms(self.at), self.writer, self.segment, self.seq, every]
        rest = json.dumps(place).encode() + b"\n" + self.body
        return _HEAD + hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest

    @classmethod
    def decode(cls, data: bytes) -> "Entry":
        """What `encode` wrote.

        Raises:
            DamagedError: it did not.
        """
        start = len(_HEAD) + 65
        if data[: len(_HEAD)] != _HEAD or data[start - 1 : start] != b"\n":
            raise DamagedError("it does not begin as such a file does")
        if hashlib.sha256(data[start:]).hexdigest().encode() != data[len(_HEAD) : start - 1]:
            raise DamagedError("its bytes are not those that were written")
        line, _, body = data[start:].partition(b"\n")
        try:
            return cls._of(parse_json(line), body)
        except (TypeError, ValueError, OverflowError) as error:
            raise DamagedError(f"it does not say what it is of: {error}") from None

    @classmethod
    def _of(cls, place: Any, body: bytes) -> "Entry":
        dataset, at, writer, segment, seq, every = place
        if not isinstance(segment, str) or type(every) not in (int, type(None)):
            raise TypeError("a value is of another type than was written")
        return cls(
            checked_name("dataset", dataset),
            from_ms(at),
            checked_name("writer", writer),
            segment,
            checked_seq(seq),
            None if every is None else every * MILLISECOND,
            body,
        )


def writer_key_of(name: str) -> str:
    """The `Entry.writer_key` of what waits in a file."""
    return name[_DIGITS + 1 :][:_DIGITS]


def _digest(*words: str | int) -> str:
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:_DIGITS]


def spool_folder(address: str, place: str) -> Path:
    """Where the profiles for a server wait: a subfolder for each address."""
    root = os.environ.get("LIGHTMETER_SPOOL")
    if not root:
        state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
        root = os.path.join(state, "lightmeter", "spool")
    root = os.path.expanduser(root)
    name = re.sub(r"[^a-z0-9.-]", "-", place.lower())[:64]
    return Path(root).absolute() / f"{name}-{hashlib.sha256(address.encode()).hexdigest()[:16]}"


class Spool:
    """The folder for one server. Threads and processes may share it."""

    def __init__(self, folder: Path, *, most: int | None = None, files: int | None = None) -> None:
        """Nothing is made before something has to wait."""
        self.folder = folder
        self._bytes = MOST_BYTES if most is None else most
        self._files = MOST_FILES if files is None else files

    @property
    def refused(self) -> Path:
        """Where files go that the server does not take, beside a text that says why."""
        return self.folder / "refused"

    def names(self) -> list[str]:
        """The files that wait, in the order in which they are to be sent."""
        try:  # a folder that cannot be used `add` says so of
            is_own = os.stat(self.folder).st_uid == os.geteuid()
            return sorted(filter(_NAME.fullmatch, os.listdir(self.folder))) if is_own else []
        except OSError:
            return []

    def count_refused(self) -> int:
        """How many files the server did not take."""
        try:
            return sum(name.endswith(".send") for name in os.listdir(self.refused))
        except OSError:
            return 0

    def has(self, name: str) -> bool:
        """Whether a file still waits."""
        return os.path.lexists(self.folder / name)

    def waits(self, entry: Entry) -> bool:
        """Whether something waits that it may replace."""
        return entry.writer_key in map(writer_key_of, self.names())

    def add(self, entry: Entry) -> bool:
        """Keep it in place of what waits for the same bucket of the same writer.

        Once this returns it is on the disk, whole.

        Returns:
            Whether it was kept; False if what waits has the same `seq` or a higher one.

        Raises:
            StoreError: there is no room for it, or it cannot be written.
        """
        data = entry.encode()
        try:
            self._make()
            with self._locked("write"):
                return self._add(entry, data)
        except OSError as error:
            raise StoreError(f"it cannot wait in {self.folder} either: {error}") from error

    def _add(self, entry: Entry, data: bytes) -> bool:
        names = self.names()
        older = [name for name in names if name[_DIGITS + 1 :].startswith(entry.key)]
        for name in older:
            with contextlib.suppress(DamagedError, OSError):
                seq = self.read(name).seq
                if None not in (seq, entry.seq) and entry.seq <= seq:  # type: ignore[operator]
                    return False
        self._check_room([name for name in names if name not in older], len(data))
        order = int(names[-1][:_DIGITS]) + 1 if names else 1
        if order == 10**_DIGITS:  # by a name that was not given here
            raise StoreError(f"nothing can wait behind {names[-1]} in {self.folder}")
        _write(self.folder / f"{order:0{_DIGITS}}-{entry.key}.send", data)
        for name in older:
            self.drop(name)
        return True

    def _check_room(self, names: list[str], more: int) -> None:
        sizes = 0
        for name in os.listdir(self.folder):
            if name.startswith(".") and name.endswith(".tmp"):  # of a process that was killed
                with contextlib.suppress(OSError):
                    self.drop(name)
        for name in names:
            with contextlib.suppress(OSError):
                sizes += os.stat(self.folder / name).st_size
        if len(names) >= self._files or sizes + more > self._bytes:
            raise StoreError(
                f"{len(names)} profiles of {sizes / 2**20:.1f} MB wait in {self.folder} already, "
                "and no more is kept there"
            )

    def read(self, name: str) -> Entry:
        """What waits in a file.

        Raises:
            DamagedError: it is not what was written.
            OSError: it cannot be read, or is not there any more.
        """
        if not stat.S_ISREG(os.lstat(self.folder / name).st_mode):
            raise DamagedError("it is a link, a pipe, a folder or the like")
        return Entry.decode(read_regular(self.folder / name))

    def drop(self, name: str) -> None:
        """It has been sent, or something newer waits."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.folder / name)

    def refuse(self, name: str, why: str) -> None:
        """Move a file out of the way. Of many the oldest are deleted."""
        self.refused.mkdir(mode=0o700, exist_ok=True)
        there = sorted(name for name in os.listdir(self.refused) if name.endswith(".send"))
        self._forget_refused(there)
        last = int(there[-1][:_DIGITS]) + 1 if there and _NAME.fullmatch(there[-1]) else 1
        kept = f"{last:0{_DIGITS}}{name[_DIGITS:]}"
        _write(self.refused / f"{kept}.txt", f"{why}\n".encode(errors="replace"))
        with contextlib.suppress(FileNotFoundError):
            os.replace(self.folder / name, self.refused / kept)

    def _forget_refused(self, names: list[str]) -> None:
        """Make room for another as large as any."""
        room, left = self._bytes * 3 // 4, _MOST_REFUSED - 1
        for name in reversed(names):
            room, left = room - (self.refused / name).lstat().st_size, left - 1
            if room < 0 or left < 0:
                for file in (self.refused / name, self.refused / f"{name}.txt"):
                    with contextlib.suppress(OSError):  # a folder stays
                        file.unlink()

    @contextlib.contextmanager
    def sending(self) -> Iterator[bool]:
        """Whether this thread is the one that sends; others leave it to that one."""
        if not self.folder.is_dir():
            yield True
            return
        with self._locked("send", wait=False) as mine:
            yield mine

    def _make(self) -> None:
        """Make the folder, which is for its owner alone."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = os.stat(self.folder)
        if status.st_uid != os.geteuid():
            raise PermissionError(f"{self.folder} belongs to somebody else")
        if status.st_mode & 0o077:
            os.chmod(self.folder, 0o700)

    @contextlib.contextmanager
    def _locked(self, what: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold a lock of the operating system, which goes with its process and not with a child.

        It does not keep the threads of a process apart, which another lock does.
        """
        thread_lock = _locks.setdefault(f"{self.folder}/{what}", threading.Lock())
        if not thread_lock.acquire(blocking=wait):
            yield False
            return
        try:
            handle = os.open(
                self.folder / f"{what}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            try:
                try:
                    fcntl.lockf(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                except (BlockingIOError, PermissionError):
                    yield False
                    return
                yield True
            finally:
                os.close(handle)
        finally:
            thread_lock.release()


def _write(path: Path, data: bytes) -> None:
    """Write a file whole and for its owner alone; it is on the disk afterwards."""
    part = path.with_name(f".{path.name}-{secrets.token_hex(4)}.tmp")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# By path; a child begins anew, as it inherits locks of threads that it does not have.
_locks: dict[str, threading.Lock] = {}
os.register_at_fork(after_in_child=_locks.clear)
