"""Reading regular files, writing files atomically, and converting paths."""

import base64
import contextlib
import errno
import io
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

AnyPath = str | os.PathLike[str]

# A profile with thousands of features takes a few megabytes.
MAX_PROFILE_BYTES = 2**30


def open_regular(path: AnyPath) -> io.FileIO:
    """Open a regular file for reading.

    Opening a pipe could block forever, and opening a device could have side effects.

    Raises
    ------
    OSError
        The file cannot be opened, or is not a regular file.
    """
    _refuse_special(path, os.stat(path).st_mode)
    # The path may have become a pipe meanwhile, so open it without blocking and check again.
    file = io.FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
    try:
        _refuse_special(path, os.fstat(file.fileno()).st_mode)
    except OSError:
        file.close()
        raise
    return file


def _refuse_special(path: AnyPath, mode: int) -> None:
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a folder raises a clear error
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))


def read_regular(path: AnyPath, most: int = MAX_PROFILE_BYTES) -> bytes:
    """Return the bytes of a regular file.

    Raises
    ------
    OSError
        The file cannot be read, is not a regular file, or has more than `most` bytes.
    """
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size <= most:
            return file.readall()
    raise OSError(errno.EFBIG, f"more than {most} bytes", os.fspath(path))


def check_target(path: AnyPath) -> Path:
    """Return the file to which `path` leads through symbolic links; it need not exist.

    Raises
    ------
    OSError
        The path is a folder, or its parent folder does not exist.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "No such folder", os.fspath(target.parent))
    return target


@contextlib.contextmanager
def open_atomically(path: AnyPath) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path`; on success, flush it to disk and rename it.

    If an error is raised, `path` is unchanged.

    Pipes and devices are written directly. The new file has the permissions of the old one.
    """
    target = check_target(path)
    old = target.stat().st_mode if target.exists() else None
    if old is not None and not stat.S_ISREG(old):
        with open(target, "wb") as file:
            yield file
        return
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            if old is not None:
                os.chmod(temporary, stat.S_IMODE(old))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def write_atomically(path: AnyPath, data: bytes) -> None:
    """Write a file either completely or not at all; see `open_atomically`."""
    with open_atomically(path) as file:
        file.write(data)


def path_bytes(path: str) -> bytes:
    """Return the bytes of a path; lone surrogates that represent no byte are replaced."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:
        return path.encode(errors="replace")


def path_texts(path: str) -> dict[str, str]:
    """Return a path as a dict for JSON, where every text is Unicode.

    A path that is not UTF-8 has replacement characters; ``path_base64`` holds its bytes.
    """
    raw = path_bytes(path)
    shown = raw.decode(errors="replace")
    exact = {} if shown.encode() == raw else {"path_base64": base64.b64encode(raw).decode()}
    return {"path": shown, **exact}
