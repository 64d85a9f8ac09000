"""What the pages of a server share: what they show, and the monitors that it runs."""

import contextlib
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request

from lightmeter.dashboard.asked import AskedPages
from lightmeter.serve.monitors_file import MonitorsFile
from lightmeter.serve.schedule import Schedule
from lightmeter.serve.server import Server

__all__ = ["Live", "live_of"]


class Live:
    """The pages of a server, and its monitors.

    Attributes:
        server: what all handlers share.
        pages: what the store shows.
        monitors: the file of monitors; None where the server has none.
        schedule: that runs them.
        switching: held while monitors are switched on.
    """

    def __init__(self, server: Server) -> None:
        """Nothing runs yet."""
        self.server = server
        self.switching = threading.Lock()
        self.pages = AskedPages(server.store)
        path = server.monitors
        if path is None and server.store.path is not None:
            path = Path(f"{server.store.path}.monitors.toml")
        file = self.monitors = MonitorsFile(path.absolute()) if path is not None else None
        if file is not None:
            server.schedule = Schedule(
                server.store.address,
                file.path,
                is_wanted=lambda: bool(file.monitors() or file.error()),
                arrivals=lambda: server.arrivals,
                pages=server.public_url,
            )
        self.schedule = server.schedule

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """The monitors run for as long as the app does.

        An app that this one is mounted in does not tell it when it begins: see `wake`.
        """
        self.start()
        try:
            yield
        finally:
            if self.schedule is not None:
                await anyio.to_thread.run_sync(self.schedule.stop)

    def start(self) -> None:
        """Begin to run the monitors, if they do not."""
        if self.schedule is not None:
            self.schedule.start()

    def wake(self) -> None:
        """With every request: begin to run the monitors, if there are some and they do not."""
        schedule = self.schedule
        if schedule is not None and not schedule.has_begun and schedule.monitors.exists():
            schedule.start()

    def watching_elsewhere(self, dataset: str) -> list[str]:
        """Names of the monitors of a dataset that are in another file, which is still there.

        Two files with a monitor of the same name and dataset cannot be run.
        """
        own = os.fspath(self.monitors.path) if self.monitors is not None else ""
        return [
            source.monitor
            for source in self.server.store.state.sources()
            if source.dataset == dataset
            and source.path not in ("", own)
            and os.path.exists(source.path)
        ]

    def public(self, text: str) -> str:
        """A text without the paths of this machine."""
        paths = [self.server.store.address]
        if self.monitors is not None:
            paths.append(os.fspath(self.monitors.path))
        for path in paths:
            for folder in {os.path.dirname(path), os.path.dirname(os.path.realpath(path))}:
                if len(folder) > 1:
                    text = text.replace(f"{folder}{os.sep}", "")
        return text


def live_of(request: Request) -> Live:
    """Those of the app that was asked."""
    live: Live = request.app.state.live
    return live
