"""A run of the monitors in a process of its own.

    python -m lightmeter.serve.child FILE STORE [PAGES]

PAGES is the address of the server's pages, for links in alerts. The process ends when its standard
input does. What goes wrong is a line of standard error that begins with ``error: ``. Its exit code
is that of ``lightmeter monitor run``; 2 where it could not judge.
"""

import contextlib
import os
import sys
import threading

from lightmeter.errors import LightmeterError
from lightmeter.run import watch

__all__ = ["main"]

_COULD_NOT = 2
_POLITE = 5  # requests come first


def main(config: str, address: str, pages: str | None = None) -> int:
    """Judge, keep and tell; the exit code."""
    try:
        watched = watch(address, config, dashboard=pages)
    except (LightmeterError, OSError, ValueError) as error:
        _complain(str(error))
        return _COULD_NOT
    for delivery in watched.deliveries:
        if (words := delivery.error or delivery.warning) is not None:
            _complain(f"alert {delivery.alert}: {words}")
    return watched.exit_code


def _complain(text: str) -> None:
    print(f"error: {' '.join(text.split())}", file=sys.stderr, flush=True)


def _end_with_the_server() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    with contextlib.suppress(OSError):
        os.nice(_POLITE)
    sys.exit(main(*sys.argv[1:4]))
