"""Work over the network that ends in time, with its thread and its connections."""

import contextlib
import http.client
import socket
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

__all__ = ["Wire", "bounded"]


class Wire:
    """The connections of some work, which another thread can cut."""

    def __init__(self) -> None:
        """Without connections yet."""
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._is_cut = False

    def handlers(self) -> list[urllib.request.BaseHandler]:
        """For an opener, all of whose connections are then this wire's."""
        return [_Http(self), _Https(self)]

    def connect(self, *args: Any, **options: Any) -> socket.socket:
        """As `socket.create_connection`."""
        made = socket.create_connection(*args, **options)
        with self._lock:
            if self._is_cut:  # nobody waits for it any more, so it must not post either
                made.close()
                raise TimeoutError("timed out")
            self._ends.append(made.dup())  # TLS takes the other one over
        return made

    def cut(self) -> None:
        """End all connections, and refuse further ones."""
        with self._lock:
            self._is_cut = True
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
                end.close()
            self._ends.clear()


def bounded(work: Callable[[Wire], None], timeout: float) -> None:
    """Run `work` in a thread; a socket's own timeout starts anew at every byte.

    Whatever happens, its connections are cut then, so that the thread ends. Only the resolution of
    a name cannot be cut.

    Raises:
        TimeoutError: it takes longer than `timeout` seconds.
    """
    wire = Wire()
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work(wire)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="lightmeter-delivery", daemon=True)
    thread.start()
    thread.join(timeout)
    late = thread.is_alive()
    wire.cut()
    if late:
        raise TimeoutError("timed out")
    if raised:
        raise raised[0]


class _OnWire(urllib.request.AbstractHTTPHandler):
    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def do_open(self, http_class: Any, req: urllib.request.Request, **options: Any) -> Any:
        def make(*args: Any, **more: Any) -> http.client.HTTPConnection:
            connection: http.client.HTTPConnection = http_class(*args, **more)
            connection._create_connection = self._wire.connect  # type: ignore[attr-defined]
            return connection

        return super().do_open(make, req, **options)


class _Http(_OnWire, urllib.request.HTTPHandler):
    pass


class _Https(_OnWire, urllib.request.HTTPSHandler):
    pass
