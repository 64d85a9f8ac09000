"""The file of monitors that a server runs: what is in it, and adding to it.

People edit the file too. What they wrote stays, byte for byte: monitors are only ever added behind.
"""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from lightmeter.alerts import load_config
from lightmeter.errors import ConfigError
from lightmeter.files import read_regular, write_atomically

_MOST_BYTES = 2**22


class Contents(NamedTuple):
    """Names of the monitors of each dataset, or why the file is not understood."""

    monitors: dict[str, list[str]]
    error: str = ""


class MonitorsFile:
    """A file of monitors, which need not exist."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self.path = path

    def read(self) -> Contents:
        """Return what is in it now."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        try:
            for monitor in load_config(self.path).monitor if self.path.exists() else ():
                found[monitor.dataset].append(monitor.name)
        except (ConfigError, OSError) as error:
            return Contents({}, str(error))
        return Contents(dict(found))

    def add(self, text: str) -> None:
        """Put tables behind what is there, all or nothing. Only one thread may do it at once.

        Raises
        ------
        ConfigError
            The file is not understood, now or with them.
        OSError
            It cannot be read or written.
        """
        before = read_regular(self.path, _MOST_BYTES) if self.path.exists() else b""
        write_atomically(self.path, before + b"\n\n" * bool(before) + text.encode())
        if error := self.read().error:
            write_atomically(self.path, before)
            raise ConfigError(f"nothing was changed: {error}")
