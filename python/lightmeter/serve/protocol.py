"""HTTP/1.1 as uvicorn speaks it, with deadlines for clients that are slow on purpose."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Protocol"]

_HEADERS = 10.0  # seconds until a request's headers are here, whole
_TAKING = 60.0  # until a client takes more of its answer
_MOST = 800  # connections, of which most processes may have a thousand


class Protocol(H11Protocol):
    """A connection. uvicorn itself waits for ever for headers, and for an answer to be taken.

    Bodies have a deadline in the guard.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """As uvicorn makes it."""
        super().__init__(*args, **kwargs)
        self._headers: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for headers, unless there are too many who do."""
        super().connection_made(transport)
        if len(self.connections) > _MOST:
            transport.abort()
        else:
            self._headers = self.loop.call_later(_HEADERS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """The time for headers begins with their first byte, and ends with their last."""
        super().data_received(data)
        waiting = self.conn.their_state is h11.IDLE
        if self._headers is not None and not waiting:
            self._headers.cancel()
            self._headers = None
        elif self._headers is None and waiting:
            self._headers = self.loop.call_later(_HEADERS, self.transport.abort)

    def on_response_complete(self) -> None:
        """What cannot be written although the connection is closed is thrown away."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.loop.call_later(_TAKING, self.transport.abort)

    def pause_writing(self) -> None:
        """The client takes no more for now."""
        super().pause_writing()
        if self._taking is None:
            self._taking = self.loop.call_later(_TAKING, self.transport.abort)

    def resume_writing(self) -> None:
        """It has taken some."""
        super().resume_writing()
        self._stop_taking()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        if self._headers is not None:
            self._headers.cancel()
        self._stop_taking()
        super().connection_lost(exc)

    def _stop_taking(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None
