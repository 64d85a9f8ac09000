"""What monitors and alerts remember in a store of objects."""

import contextlib
import functools
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from lightmeter.errors import StoreError
from lightmeter.store.cloud.chain import Taken
from lightmeter.store.cloud.session import Session, fresh
from lightmeter.store.database import Database
from lightmeter.store.keys import Key, Keys
from lightmeter.store.state import State

__all__ = ["CloudState", "Recorded", "changing"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_TRIES = 100


class Recorded:
    """The index, whose transactions become entries of the state's chain."""

    def __init__(self, session: Session) -> None:
        """Of an open store."""
        self._session = session

    @property
    def called(self) -> str:
        """What messages call it."""
        return self._session.objects.address

    def all(self, query: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """See `Database.all`."""
        return self._session.database.all(query, values)

    def snapshot(self) -> contextlib.AbstractContextManager[None]:
        """See `Session.snapshot`."""
        return self._session.snapshot()

    def transaction(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        """See `Chain.transaction`."""
        return self._session.chain.transaction()

    def parsing(self) -> contextlib.AbstractContextManager[None]:
        """See `Database.parsing`."""
        return self._session.database.parsing()


def changing(method: Callable[Concatenate[Any, _P], _R]) -> Callable[Concatenate[Any, _P], _R]:
    """A method that changes the state: it is called again where somebody else was faster."""

    @functools.wraps(method)
    def change(half: Any, /, *arguments: _P.args, **keywords: _P.kwargs) -> _R:
        given = [list(each) if isinstance(each, Iterator) else each for each in arguments]
        call = functools.partial(cast(Any, method), half, *given, **keywords)
        session: Session = half._session

        def attempt() -> tuple[bool, Any]:
            try:
                return True, call()
            except Taken:
                return False, None

        done, result = session.read(attempt, state_only=True)
        for _ in range(_TRIES):
            if done:
                return cast(_R, result)
            session.refresh(state_only=True)
            done, result = attempt()
        raise StoreError(f"{session.objects.address}: others change the state all the time")

    return change


class CloudKeys(Keys):
    """The keys of a server in a store of objects."""

    def __init__(self, session: Session) -> None:
        """Those of an open store."""
        super().__init__(cast(Database, Recorded(session)))
        self._session = session

    exist = fresh(Keys.exist, state_only=True)
    find = fresh(Keys.find, state_only=True)
    verify = fresh(Keys.verify, state_only=True)
    add = changing(Keys.add)
    remove = changing(Keys.remove)

    def all(self) -> list[Key]:
        """Every key, the oldest first."""
        return self._session.read(super().all, state_only=True)


class CloudState(State):
    """The state of a store of objects."""

    def __init__(self, session: Session) -> None:
        """That of an open store."""
        super().__init__(cast(Database, Recorded(session)))
        self._session = session
        self.keys = CloudKeys(session)

    def snapshot(self) -> contextlib.AbstractContextManager[None]:
        """Everything that this thread reads inside is of one moment, whoever writes meanwhile."""
        return self._session.snapshot()

    sources = fresh(State.sources, state_only=True)
    results = fresh(State.results, state_only=True)
    bases = fresh(State.bases, state_only=True)
    newest = fresh(State.newest, state_only=True)
    turning_points = fresh(State.turning_points, state_only=True)
    kept = fresh(State.kept, state_only=True)
    digests = fresh(State.digests, state_only=True)
    line = fresh(State.line, state_only=True)
    newest_of_segments = fresh(State.newest_of_segments, state_only=True)
    told = fresh(State.told, state_only=True)
    acknowledged = fresh(State.acknowledged, state_only=True)
    accepted = fresh(State.accepted, state_only=True)
    snoozed = fresh(State.snoozed, state_only=True)
    verify = fresh(State.verify, state_only=True)

    save = changing(State.save)
    remember = changing(State.remember)
    acknowledge = changing(State.acknowledge)
    accept = changing(State.accept)
    forget_accepted = changing(State.forget_accepted)
    snooze = changing(State.snooze)
    rows = fresh(State.rows, state_only=True)
    put_rows = changing(State.put_rows)
