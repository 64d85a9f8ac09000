"""What a store asks of an object store: five calls, by fsspec or on plain files."""

import contextlib
import errno
import os
import secrets
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

from lightmeter.errors import StoreError

__all__ = ["Files", "Listed", "Service", "fsspec_module", "open_service"]

# Their fsspec packages ask the service itself to refuse a name that is taken.
_EXCLUSIVE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "memory"})
_AT_ONCE = 16
_STALE = 86_400  # seconds
_memory = threading.Lock()
# What services tell objects of one name apart by.
_MARKS = "ETag", "etag", "generation", "LastModified", "last_modified", "mtime", "created"


class Listed(NamedTuple):
    """An object of a listing. `mark` is another one where another object has got the name."""

    size: int
    mark: str

    def __str__(self) -> str:
        """What tells it from others of its name."""
        return f"{self.size} {self.mark}"


class Service(Protocol):
    """Objects by their paths. Errors are those of the service."""

    exclusive: bool

    def find(self, folder: str) -> dict[str, Listed]:
        """Paths of all objects below a folder."""

    def read(self, path: str) -> bytes:
        """All of an object; FileNotFoundError if it is not there."""

    def read_many(self, paths: list[str]) -> list[bytes | Exception]:
        """The same of several, or what each failed with."""

    def create(self, path: str, data: bytes) -> None:
        """Write an object whole; FileExistsError if there is one."""

    def replace(self, path: str, data: bytes) -> None:
        """Write an object whole, in place of what is there."""

    def remove(self, paths: list[str]) -> None:
        """Delete objects, those that are there."""

    def tidy(self) -> None:
        """Delete what those left behind that were killed while they wrote."""


def open_service(address: str) -> tuple[Service, str]:
    """The service of an address, and the path in it.

    Raises:
        StoreError: a package is missing, or there is no such kind of address.
    """
    scheme = address.partition("://")[0]
    fsspec = fsspec_module()
    if scheme in ("file", "local"):
        path = fsspec.filesystem("file")._strip_protocol(address)
        return Files(path), path
    try:
        system, path = fsspec.url_to_fs(address, use_listings_cache=False)
    except ImportError as error:
        raise StoreError(f"{scheme}:// takes another package: {error}") from error
    except ValueError as error:
        if "not known" in str(error):
            raise StoreError(f"fsspec knows no addresses with {scheme}://") from None
        raise
    return Fsspec(system, scheme), path.rstrip("/")


def fsspec_module() -> Any:
    """The package.

    Raises:
        StoreError: it is not there.
    """
    try:
        import fsspec.config
    except ImportError as error:
        raise StoreError(
            "a store in an object store takes the package fsspec: pip install 'lightmeter[cloud]'"
        ) from error
    return fsspec


class Fsspec:
    """Any service by fsspec."""

    def __init__(self, system: Any, scheme: str) -> None:
        """Of a file system of fsspec."""
        self._system = system
        self._lock = _memory if scheme == "memory" else contextlib.nullcontext()
        self.exclusive = scheme in _EXCLUSIVE

    def find(self, folder: str) -> dict[str, Listed]:
        """See `Service`."""
        self._system.invalidate_cache()
        files = self._found(folder)
        return {
            path: Listed(int(info.get("size") or 0), _mark(info))
            for path, info in files.items()
            if info.get("type") == "file" and not path.endswith("/")
        }

    def _found(self, folder: str) -> dict[str, dict[str, Any]]:
        """Whatever is below; a folder that cannot be listed must not look like an empty one."""
        options = {} if self._system.async_impl else {"on_error": "raise"}
        for last in (False, False, False, True):
            try:
                return dict(self._system.find(folder, detail=True, **options))
            except FileNotFoundError:  # also of a folder in it that goes meanwhile
                if self._system.async_impl or not self._system.exists(folder):
                    return {}
                if last:
                    raise
        raise AssertionError("the last try returns or raises")

    def read(self, path: str) -> bytes:
        """See `Service`."""
        if self._system.async_impl:  # from its beginning: else s3fs asks for the size first
            return bytes(self._system.cat_file(path, start=0))
        return bytes(self._system.cat_file(path))

    def read_many(self, paths: list[str]) -> list[bytes | Exception]:
        """See `Service`."""
        if len(paths) == 1 or not self._system.async_impl:
            return [self._tried(path) for path in paths]
        with ThreadPoolExecutor(min(_AT_ONCE, len(paths))) as pool:
            return list(pool.map(self._tried, paths))

    def _tried(self, path: str) -> bytes | Exception:
        try:
            return self.read(path)
        except Exception as error:
            return error

    def create(self, path: str, data: bytes) -> None:
        """See `Service`."""
        with self._lock:
            self._system.pipe_file(path, data, mode="create")

    def replace(self, path: str, data: bytes) -> None:
        """See `Service`."""
        self._system.pipe_file(path, data)

    def remove(self, paths: list[str]) -> None:
        """See `Service`."""
        if self._system.async_impl and not any(set(path) & set("*?[") for path in paths):
            with contextlib.suppress(FileNotFoundError):  # where none of them is there
                self._system.rm(paths)
            return
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                self._system.rm_file(path)

    def tidy(self) -> None:
        """See `Service`. Services keep nothing of what was not sent whole."""


class Files:
    """Plain files, also on a file system of the network.

    fsspec's own opens a file for good and then fills it; a kill in between would leave a part.
    """

    exclusive = True

    def __init__(self, root: str) -> None:
        """Of the folder of a store."""
        self._parts = f"{root}/v1/tmp"
        self._root = root

    def find(self, folder: str) -> dict[str, Listed]:
        """See `Service`. Links, pipes and what is being written are no objects."""
        files: dict[str, Listed] = {}
        for path, folders, names in os.walk(folder, onerror=_unless_gone):
            # A roll-up after what it stands for: it is there before that goes.
            folders.sort()
            if path == os.path.dirname(self._parts) and "tmp" in folders:
                folders.remove("tmp")
            for name in names:
                file = f"{path}/{name}"
                with contextlib.suppress(FileNotFoundError):
                    status = os.lstat(file)
                    if stat.S_ISREG(status.st_mode):
                        files[file] = Listed(status.st_size, str(status.st_mtime_ns))
        return files

    def read(self, path: str) -> bytes:
        """See `Service`."""
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "no regular file", path)
            return file.read()

    def read_many(self, paths: list[str]) -> list[bytes | Exception]:
        """See `Service`."""
        contents: list[bytes | Exception] = []
        for path in paths:
            try:
                contents.append(self.read(path))
            except OSError as error:
                contents.append(error)
        return contents

    def create(self, path: str, data: bytes) -> None:
        """See `Service`. The name appears when the file is whole and on the disk."""
        self._written(path, data, self._linked)

    def replace(self, path: str, data: bytes) -> None:
        """See `Service`."""
        self._written(path, data, os.replace)

    def remove(self, paths: list[str]) -> None:
        """See `Service`. Folders that become empty go too."""
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        for folder in sorted({os.path.dirname(path) for path in paths}, key=len, reverse=True):
            with contextlib.suppress(OSError):
                while len(folder) > len(self._root):
                    os.rmdir(folder)
                    folder = os.path.dirname(folder)

    def tidy(self) -> None:
        """See `Service`. Nobody writes a file for a day; if he does, his call fails."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._parts) as entries:
            for entry in entries:
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                    os.unlink(entry.path)

    def _written(self, path: str, data: bytes, name: Any) -> None:
        part = f"{self._parts}/{secrets.token_hex(8)}"
        folder = os.path.dirname(path)
        try:
            _make(self._parts)
            with open(part, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            for tries in range(100):  # somebody may be tidying up
                _make(folder)
                self._check_place(folder)
                try:
                    name(part, path)
                    break
                except FileNotFoundError:
                    if tries == 99 or not os.path.exists(part):
                        raise
            _keep(folder)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part)

    def _check_place(self, folder: str) -> None:
        """What is behind a link is not found again."""
        if os.path.realpath(folder) != os.path.realpath(self._root) + folder[len(self._root) :]:
            raise OSError(errno.ELOOP, "a folder of the store is a link; put what it holds there")

    def _linked(self, part: str, path: str) -> None:
        try:
            os.link(part, path)
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
            # No links here: a kill can leave a part of a file, which its digest tells.
            with open(part, "rb") as source, open(path, "xb") as target:
                target.write(source.read())
                target.flush()
                os.fsync(target.fileno())


def _mark(info: dict[str, Any]) -> str:
    return str(next((info[key] for key in _MARKS if info.get(key) is not None), ""))


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _make(folder: str) -> None:
    """Make a folder and those above it, so that they survive a power cut."""
    if os.path.isdir(folder):
        return
    above = os.path.dirname(folder)
    _make(above)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder)
    with contextlib.suppress(FileNotFoundError):
        _keep(above)


def _keep(folder: str) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
