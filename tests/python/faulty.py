"""A service of objects that counts what it is asked, and ends where a test says."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from lightmeter.errors import StoreError
from lightmeter.store.cloud import objects
from lightmeter.store.cloud.services import Listed, Service, open_service


class Killed(BaseException):
    """The process is no more: nothing that it asks afterwards is done."""


class Asked:
    """What services were asked, of all stores that are opened while `watching` is set."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.read: list[str] = []
        self.changes = 0
        self.end: float = float("inf")  # of all changes the one at which it ends
        self.done_first = False  # whether that is still done
        self.before: Callable[[str, Any], None] | None = None
        self.after: Callable[[str, Any], None] | None = None
        self.exclusive = True

    def open(self, address: str) -> tuple[Service, str]:
        service, root = open_service(address)
        return _Watched(service, self), root  # type: ignore[return-value]

    def reset(self) -> None:
        self.counts.clear()
        self.read.clear()

    def act_before(self, step: int, act: Callable[[], bool]) -> list[bool]:
        """Act before the next so many-th thing that is asked; what came of it, once it has."""
        told: list[bool] = []
        left = step

        def before(_name: str, _what: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                try:
                    told.append(act())
                except StoreError:
                    told.append(False)

        self.before = before
        return told

    def changing(self, action: Callable[[], None]) -> None:
        if self.changes >= self.end:
            raise Killed
        self.changes += 1
        if self.changes < self.end:
            action()
            return
        if self.done_first:
            action()
        raise Killed


class _Watched:
    def __init__(self, service: Service, asked: Asked) -> None:
        self._service, self._asked = service, asked
        self.exclusive = service.exclusive and asked.exclusive

    def _note(self, name: str, what: Any) -> None:
        self._asked.counts[name] += 1
        if self._asked.changes >= self._asked.end:
            raise Killed
        if self._asked.before is not None:
            self._asked.before(name, what)

    def _answered(self, name: str, what: Any, answer: Any = None) -> Any:
        if self._asked.after is not None:
            self._asked.after(name, what)
        return answer

    def find(self, folder: str) -> dict[str, Listed]:
        self._note("find", folder)
        return self._answered("find", folder, self._service.find(folder))

    def read(self, path: str) -> bytes:
        self._note("read", path)
        self._asked.read.append(path)
        return self._answered("read", path, self._service.read(path))

    def read_many(self, paths: list[str]) -> list[bytes | Exception]:
        for path in paths:
            self._note("read", path)
            self._asked.read.append(path)
        return self._answered("read", paths, self._service.read_many(paths))

    def create(self, path: str, data: bytes) -> None:
        self._note("create", path)
        change = self._service.create if self._asked.exclusive else self._service.replace
        self._asked.changing(lambda: change(path, data))
        self._answered("create", path)

    def replace(self, path: str, data: bytes) -> None:
        self._note("replace", path)
        self._asked.changing(lambda: self._service.replace(path, data))
        self._answered("replace", path)

    def remove(self, paths: list[str]) -> None:
        self._note("remove", paths)
        for path in paths:  # a service deletes them in any order, and may be cut off between
            self._asked.changing(lambda path=path: self._service.remove([path]))  # type: ignore[misc]
        self._answered("remove", paths)

    def tidy(self) -> None:
        self._service.tidy()


def watch_services(monkeypatch: Any) -> Asked:
    asked = Asked()
    monkeypatch.setattr(objects, "open_service", asked.open)
    return asked
