"""The file of monitors that a server runs: what is in it, and adding to it.

People edit the file too. What they wrote stays, byte for byte: monitors are only ever added behind.
"""

import contextlib
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from lightmeter.alerts import load_config
from lightmeter.errors import ConfigError
from lightmeter.files import read_regular, write_atomically

_MOST_BYTES = 2**22


class Contents(NamedTuple):
    """Names of the monitors of each dataset, or why the file is not understood."""

    monitors: Mapping[str, list[str]] = {}
    error: str = ""


class MonitorsFile:
    """A file of monitors, which need not exist. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._contents = Contents()

    def read(self) -> Contents:
        """What is in it, which is read again if it has changed."""
        with self._lock:
            try:
                status = os.stat(self.path)
            except OSError:
                return Contents()
            seen = status.st_mtime_ns, status.st_size, status.st_ino
            if seen != self._seen:
                self._seen, self._contents = seen, _read(self.path)
            return self._contents

    def is_wanted(self) -> bool:
        """Whether it has something to run, or to complain of."""
        return any(self.read())

    def add(self, text: str) -> None:
        """Put tables behind what is there, all or nothing.

        Raises:
            ConfigError: the file is not understood, now or with them.
            OSError: it cannot be read or written.
        """
        with self._lock:
            before = self._bytes()
            gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
            data = (before or b"") + gap + text.encode()
            self._check(data)
            if self._bytes() != before:
                raise ConfigError("the file of monitors was changed meanwhile; try again")
            write_atomically(self.path, data)

    def _check(self, data: bytes) -> None:
        """Whether that is a file of monitors, as it would be there: paths in it are relative."""
        trial = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}.trial")
        try:
            trial.write_bytes(data)
            error = _read(trial).error
        finally:
            with contextlib.suppress(OSError):
                trial.unlink()
        if error:
            error = error.replace(os.fspath(trial), os.fspath(self.path))
            raise ConfigError(f"nothing was changed: {error}")

    def _bytes(self) -> bytes | None:
        try:
            return read_regular(self.path, _MOST_BYTES)
        except FileNotFoundError:
            return None


def _read(path: Path) -> Contents:
    monitors: dict[str, list[str]] = {}
    try:
        for monitor in load_config(path).monitor:
            monitors.setdefault(monitor.dataset, []).append(monitor.name)
    except (ConfigError, OSError) as error:
        return Contents({}, str(error))
    return Contents(monitors)
