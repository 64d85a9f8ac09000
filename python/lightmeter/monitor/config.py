"""The monitors of a TOML file: a table ``[[monitor]]`` each."""

import os

from lightmeter.monitor.monitors import Monitor
from lightmeter.monitor.rules import CombinedRule
from lightmeter.monitor.tables import read_tables


def load_monitors(path: str | os.PathLike[str], *, needed: bool = True) -> list[Monitor]:
    """The monitors of a file. A relative path in it is relative to its folder.

    Args:
        path: of the file.
        needed: whether there must be one.

    Raises:
        OSError: the file cannot be read.
        ConfigError: the file is not TOML, has no monitor though one is needed, or has one that is
            not understood; the message names the line.
    """
    monitors: dict[str, Monitor] = {}
    for table in read_tables(path, needed="monitor" if needed else "")["monitor"]:
        monitor = table.read(Monitor)
        if monitor.name in monitors:
            raise table.error("name", f"two monitors are named {monitor.name!r}")
        if isinstance(monitor.rule, CombinedRule):
            for name in monitor.rule.of:
                if name not in monitors or monitors[name].dataset != monitor.dataset:
                    raise table.error("of", f"no monitor {name!r} of this dataset stands above")
        monitors[monitor.name] = monitor
    return list(monitors.values())
