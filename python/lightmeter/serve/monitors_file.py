"""The file of monitors that a server runs: what is in it, and adding to it.

People edit the file too. What they wrote stays, byte for byte: monitors are only ever added behind.
"""

import contextlib
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path

from lightmeter.alerts import load_alerts
from lightmeter.errors import ConfigError
from lightmeter.files import read_regular, write_atomically
from lightmeter.monitor.config import load_monitors

__all__ = ["MonitorsFile"]

_MOST_BYTES = 2**22


class MonitorsFile:
    """A file of monitors, which need not exist. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self.path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._monitors: Mapping[str, list[str]] = {}
        self._error = ""

    def monitors(self) -> Mapping[str, list[str]]:
        """Names of the monitors of each dataset; none where the file is not understood."""
        self._look()
        return self._monitors

    def error(self) -> str:
        """Why the file is not understood; empty where it is."""
        self._look()
        return self._error

    def add(self, text: str) -> None:
        """Put tables behind what is there, all or nothing.

        Raises:
            ConfigError: the file is not understood, now or with them.
            OSError: it cannot be read or written.
        """
        with self._lock:
            before = self._read()
            gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
            data = (before or b"") + gap + text.encode()
            self._check(data)
            if self._read() != before:
                raise ConfigError("the file of monitors was changed meanwhile; try again")
            write_atomically(self.path, data)

    def _check(self, data: bytes) -> None:
        """Whether that is a file of monitors, as it would be there: paths in it are relative."""
        trial = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}.trial")
        try:
            with open(trial, "xb") as file:
                file.write(data)
            load_monitors(trial)
            load_alerts(trial)
        except ConfigError as error:
            text = str(error).replace(os.fspath(trial), os.fspath(self.path))
            raise ConfigError(f"nothing was changed: {text}") from None
        finally:
            with contextlib.suppress(OSError):
                trial.unlink()

    def _read(self) -> bytes | None:
        try:
            return read_regular(self.path, _MOST_BYTES)
        except FileNotFoundError:
            return None

    def _look(self) -> None:
        """Read it if it has changed."""
        with self._lock:
            try:
                status = os.stat(self.path)
                seen = status.st_mtime_ns, status.st_size, status.st_ino
            except OSError:
                self._seen, self._monitors, self._error = None, {}, ""
                return
            if seen == self._seen:
                return
            self._seen, self._monitors, self._error = seen, {}, ""
            try:
                monitors: dict[str, list[str]] = {}
                for monitor in load_monitors(self.path, needed=False):  # perhaps only alerts yet
                    monitors.setdefault(monitor.dataset, []).append(monitor.name)
                load_alerts(self.path)
                self._monitors = monitors
            except (ConfigError, OSError) as error:
                self._error = str(error)
