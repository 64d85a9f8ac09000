"""The objects of one store: named, listed, read within bounds, and put where nothing is."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lightmeter.errors import StoreError
from lightmeter.store.cloud.layout import parse_numbered
from lightmeter.store.cloud.sealed import MOST_BYTES
from lightmeter.store.cloud.services import Files, Listed, Service, fsspec_module, open_service

__all__ = ["Objects"]

_MOST_AT_ONCE = 2**26  # bytes held at a time
_MANY = 256
_BUSY = "ConditionalRequestConflict"  # S3, where two put one name at once
_SECRET = re.compile(r"secret|token|passw|key|credential|connection|sas\b|_sas", re.IGNORECASE)
_USER = re.compile(r"://[^/@]*:[^/@]*@")


class Objects:
    """The objects below an address. A fork may use them, and so may threads.

    Names begin with ``v1/``. Errors are StoreErrors, which tell no secret of the environment.
    """

    def __init__(self, address: str) -> None:
        """Those at an address.

        Raises:
            StoreError: it holds a password, or its service cannot be used.
        """
        if "::" in address or "?" in address or _USER.search(address):
            raise StoreError(
                "got an address with a password, a query or another address in it; expected one "
                "such as s3://bucket/prefix, and credentials where the service's own tools find "
                "them (for S3 in ~/.aws or in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
            )
        self.address = address
        self.exclusive = True
        self._process = -1
        self._service: Service | None = None
        _ = self.service

    @property
    def service(self) -> Service:
        """The service; another in each process, as fsspec's do not survive a fork."""
        if self._service is None or self._process != os.getpid():
            with self._asked("opening"):
                self._service, self._root = open_service(self.address)
                if isinstance(self._service, Files):  # wherever this process or another stands
                    self.address = f"file://{self._root}"
            self._process = os.getpid()
            if not self._root.strip("/"):
                raise StoreError(f"got {self.address}; expected a bucket or folder in it")
        return self._service

    def list(self, folder: str = "v1") -> dict[str, Listed]:
        """Names of all objects below a folder: one request for each thousand."""
        service, start = self.service, len(self._root) + 1
        with self._asked("listing"):
            files = service.find(f"{self._root}/{folder}")
        # Of objects beside the folder a service may list the one that has its very name.
        return {
            path[start:]: listed
            for path, listed in files.items()
            if path[start:].startswith(f"{folder}/")
        }

    def read(self, name: str) -> bytes | None:
        """An object that is known to be small; None if it is not there."""
        service = self.service
        with self._asked(f"reading {name}"):
            try:
                return service.read(f"{self._root}/{name}")
            except FileNotFoundError:
                return None

    def read_many(self, listed: Mapping[str, Listed]) -> Iterator[tuple[str, bytes | None]]:
        """The objects of a listing, a few at a time.

        None for one that is too large, or is not there any more as it was listed.
        """
        service = self.service
        names, held = list[str](), 0
        for name, (size, _) in [*listed.items(), ("", Listed(0, ""))]:
            if names and (not name or held + size > _MOST_AT_ONCE or len(names) >= _MANY):
                with self._asked("reading"):
                    contents = service.read_many([f"{self._root}/{each}" for each in names])
                for each, content in zip(names, contents, strict=True):
                    if isinstance(content, FileNotFoundError):
                        yield each, None
                    elif isinstance(content, Exception):
                        with self._asked(f"reading {each}"):
                            raise content
                    else:  # an answer may be cut off
                        yield each, content if len(content) == listed[each].size else None
                names, held = [], 0
            if size > MOST_BYTES:
                yield name, None
            elif name and not size:
                yield name, b""
            elif name:
                names.append(name)
                held += size

    def put(self, name: str, data: bytes, *, beside: bool = False) -> str | None:
        """Write an object under a name that ends in a number, if nobody has that number.

        Where the service cannot refuse a name that is taken, the number gets a random suffix, and
        whoever sees that another has it takes his own back.

        Args:
            name: of the object.
            data: its bytes, which nobody else writes.
            beside: whether what has the very name does not count, as it is no object of a store.

        Returns:
            The name of the object; None if the number is taken.
        """
        if self.exclusive and not beside:
            return name if self._create(name, data) else None
        own = f"{name}.{secrets.token_hex(8)}"
        ignored = {own, name} if beside else {own}
        if self._have_number(name, ignored):
            return None
        self._create(own, data)
        if self._have_number(name, ignored):
            self.remove([own])
            return None
        return own

    def _have_number(self, name: str, ignored: set[str]) -> bool:
        folder, _, number = name.rpartition("/")
        return any(
            other not in ignored
            and (parsed := parse_numbered(other.rpartition("/")[2])) is not None
            and not parsed.is_body
            and str(parsed.number) == number
            for other in self.list(folder)
        )

    def _create(self, name: str, data: bytes) -> bool:
        service = self.service
        path = f"{self._root}/{name}"
        with self._asked(f"writing {name}"):
            for last in (False, False, True):
                try:
                    service.create(path, data)
                    return True
                except Exception as error:
                    # An answer that was lost, or that the client's own second try got, says little.
                    with contextlib.suppress(Exception):
                        if service.read(path) == data:
                            return True
                    if isinstance(error, FileExistsError):
                        return False
                    if last or _BUSY not in str(error):
                        raise
        raise AssertionError("the last try returns or raises")

    def write(self, name: str, data: bytes) -> None:
        """Write an object under a name that nobody else thinks of."""
        if not self._create(name, data):
            raise StoreError(f"{self.address}: there is another object at {name}")

    def can_refuse(self, trial: tuple[str, bytes]) -> bool:
        """Whether the service refuses a name that is taken, tried on an object that then goes."""
        service = self.service
        if not service.exclusive:
            return False
        name, data = trial
        path = f"{self._root}/{name}"
        with self._asked(f"writing {name}"):
            service.create(path, data)
            try:
                service.create(path, data)
            except FileExistsError:
                return True
            finally:
                with contextlib.suppress(Exception):  # it takes a right that not everybody has
                    service.remove([path])
        return False

    def replace(self, name: str, data: bytes) -> None:
        """Write an object in place of what is there."""
        service = self.service
        with self._asked(f"writing {name}"):
            service.replace(f"{self._root}/{name}", data)

    def remove(self, names: Iterable[str]) -> None:
        """Delete objects, those that are there: one request for many, where the service can."""
        service = self.service
        paths = [f"{self._root}/{name}" for name in names]
        if paths:
            with self._asked("deleting"):
                service.remove(paths)

    @contextlib.contextmanager
    def _asked(self, action: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            told = _without_secrets(text)
            message = f"{self.address}: {action} failed: {told[:500]}"
            raise StoreError(message) from (error if told == text else None)


def _without_secrets(text: str) -> str:
    """A message of a service without what the environment holds of passwords."""
    secrets_ = [value for key, value in os.environ.items() if _SECRET.search(key)]
    secrets_ += _configured()
    for secret in sorted(set(secrets_), key=len, reverse=True):
        if len(secret) >= 6:
            text = text.replace(secret, "***")
    return text


def _configured() -> Iterator[str]:
    """The secrets of fsspec's own configuration."""
    pending: list[tuple[str, Any]] = [("", fsspec_module().config.conf)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, dict):
            pending += [(f"{key}.{name}", each) for name, each in value.items()]
        elif isinstance(value, str) and _SECRET.search(key):
            yield value
