"""The file of monitors that a server runs: reading it, and adding to it.

People edit the file, too. Their text stays, byte for byte, because monitors are added at the end.
"""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from lightmeter.alerts import load_config
from lightmeter.errors import ConfigError
from lightmeter.files import read_regular, write_atomically

_MOST_BYTES = 2**22


class Contents(NamedTuple):
    """The names of the monitors of each dataset, or the error in the file."""

    monitors: dict[str, list[str]]
    error: str = ""


class MonitorsFile:
    """A file of monitors, which need not exist."""

    def __init__(self, path: Path) -> None:
        """Keep the path, without reading the file."""
        self.path = path

    def read(self) -> Contents:
        """Return the current contents of the file."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        try:
            for monitor in load_config(self.path).monitor if self.path.exists() else ():
                found[monitor.dataset].append(monitor.name)
        except (ConfigError, OSError) as error:
            return Contents({}, str(error))
        return Contents(dict(found))

    def add(self, text: str) -> None:
        """Add tables at the end of the file, all or nothing, in one thread at a time.

        Raises
        ------
        ConfigError
            The file is invalid, with or without the new tables.
        OSError
            The file cannot be read or written.
        """
        before = read_regular(self.path, _MOST_BYTES) if self.path.exists() else b""
        write_atomically(self.path, before + b"\n\n" * bool(before) + text.encode())
        if error := self.read().error:
            write_atomically(self.path, before)
            raise ConfigError(f"nothing was changed: {error}")
