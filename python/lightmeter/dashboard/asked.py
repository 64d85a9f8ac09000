"""Pages of a store that are made when somebody asks for them, and kept until they would change."""

import hashlib
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from lightmeter._core import __version__
from lightmeter.dashboard.extras import Extras
from lightmeter.dashboard.gathering import Said, history_of, segments_of
from lightmeter.dashboard.history import History
from lightmeter.dashboard.pages.index import index_html
from lightmeter.dashboard.place import PlacePages
from lightmeter.dashboard.shown_baseline import ShownMonitors
from lightmeter.monitor.results import Result, load_in_brief, load_results
from lightmeter.monitor.sitemap import dataset_page, segment_page
from lightmeter.profile.segments import segment_text
from lightmeter.store.records import Accepted
from lightmeter.store.store import Store

INDEX = "index.html"

_MOST_PAGE_BYTES = 2**25
_MOST_RESULTS = 100_000  # about 50 MB

_T = TypeVar("_T")


class AskedPages:
    """The pages of a store, at the paths and with the contents that the static site has.

    Every bucket of a segment has a page. Threads may share it.
    """

    def __init__(self, store: Store) -> None:
        """Of a store; nothing is read yet."""
        self._store = store
        self._pages = _Kept[bytes](_MOST_PAGE_BYTES)
        self._whole = _Kept[Said](_MOST_RESULTS)
        self._brief = _Kept[dict[str, Said]](_MOST_RESULTS)

    def page(
        self,
        path: str,
        *,
        sees: Callable[[str], bool],
        extras: Extras,
    ) -> bytes | None:
        """A page; None if there is none at this path, or not for whoever asks.

        Args:
            path: such as ``index.html``.
            sees: whether a dataset may be shown; of others nothing is.
            extras: what is added. Its `whose` must differ between two who see different datasets.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._store.snapshot():
            look = _Look(sees, extras, self._store.state.accepted(), _monitors(self._store))
            if path == INDEX:
                return self._index(look)
            for dataset in self._store.datasets():
                if path.startswith(dataset_page(dataset).removesuffix(INDEX)) and sees(dataset):
                    return self._of_dataset(path, dataset, look)
        return None

    def _index(self, look: "_Look") -> bytes:
        datasets = [dataset for dataset in self._store.datasets() if look.sees(dataset)]
        digests = [self._digest(dataset, look) for dataset in datasets]
        briefs = {
            dataset: self._briefs(dataset, look, digest)
            for dataset, digest in zip(datasets, digests, strict=True)
        }
        inputs = look.inputs(digests, list(map(_seen, briefs.values())))
        key = (INDEX, look.extras.whose)
        return self._pages.get(key, inputs, lambda: index_html(briefs, look.extras).encode())

    def _of_dataset(self, path: str, dataset: str, look: "_Look") -> bytes | None:
        folder = path.rpartition("/")[0]
        for segment in segments_of(self._store, dataset):
            text = segment_text(segment)
            if segment_page(dataset, text) == f"{folder}/{INDEX}":
                break
        else:
            return None
        digest = self._digest(dataset, look)

        def read() -> Said:
            return Said.of(load_results(self._store, look.monitors_of(dataset), segment=text))

        said = self._whole.get((dataset, text), digest, read, _size_of_whole)
        monitors = ShownMonitors(self._store, look.sees)
        history = history_of(
            self._store, dataset, segment, said, look.accepted, None, all_shown=True
        )
        others = [] if segment else self._briefs(dataset, look, digest)[1:]
        pages = PlacePages(self._store, history, others, monitors, look.extras)
        page = next((page for page in pages if page.path == path), None)
        if page is None:
            return None
        inputs = page.inputs or look.inputs(digest, _seen([history, *others]))
        key = (path, look.extras.whose)
        return self._pages.get(key, inputs, lambda: page.html().encode())

    def _briefs(self, dataset: str, look: "_Look", digest: str) -> list[History]:
        """The whole of a dataset and its segments, as pages of others need them."""

        def read() -> dict[str, Said]:
            results: defaultdict[str, list[Result]] = defaultdict(list)
            for result in load_in_brief(self._store, look.monitors_of(dataset)):
                results[segment_text(result.segment)].append(result)
            return {text: Said.of(those) for text, those in results.items()}

        said = self._brief.get((dataset,), digest, read, _size_of_brief)
        return [
            history_of(
                self._store,
                dataset,
                segment,
                said.get(segment_text(segment), Said({}, ())),
                look.accepted,
                None,
                all_shown=True,
            ).brief()
            for segment in segments_of(self._store, dataset)
        ]

    def _digest(self, dataset: str, look: "_Look") -> str:
        """Of all that monitors say of a dataset."""
        digest = hashlib.sha256()
        for source in self._store.state.sources():
            if source.dataset == dataset:
                judged = self._store.state.judged(source.monitor, dataset)
                digest.update(repr((source, list(judged.items()))).encode())
        return digest.hexdigest()


class _Look(NamedTuple):
    """One look at the store by somebody."""

    sees: Callable[[str], bool]
    extras: Extras
    accepted: Sequence[Accepted]
    monitors: Sequence[tuple[str, str]]

    def monitors_of(self, dataset: str) -> list[tuple[str, str]]:
        """Name and dataset of those that have judged it."""
        return [pair for pair in self.monitors if pair[1] == dataset]

    def inputs(self, *made_of: object) -> str:
        """A digest of these, of what people said, and of what is added."""
        all_of_it = __version__, self.extras.made_of(), self.accepted, made_of
        return hashlib.sha256(repr(all_of_it).encode()).hexdigest()


def _monitors(store: Store) -> list[tuple[str, str]]:
    return [(source.monitor, source.dataset) for source in store.state.sources()]


def _seen(histories: Sequence[History]) -> list[Any]:
    """What pages show of them besides what monitors say."""
    return [(history.segment_text, history.buckets) for history in histories]


def _size_of_whole(whole: Said) -> int:
    return sum(map(len, whole.lines.values()))


def _size_of_brief(brief: dict[str, Said]) -> int:
    return sum(len(results) for said in brief.values() for results in said.lines.values())


class _Making:
    """Held by the thread that makes a value."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class _Kept(Generic[_T]):
    """Values by key, each as long as it is made of the same; of late ones so much as fits."""

    def __init__(self, most: int) -> None:
        """At most so much, by `size`."""
        self._most, self._size = most, 0
        self._values: OrderedDict[tuple[str, ...], tuple[str, _T, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._making: WeakValueDictionary[tuple[str, ...], _Making] = WeakValueDictionary()

    def get(
        self,
        key: tuple[str, ...],
        inputs: str,
        make: Callable[[], _T],
        size: Callable[[_T], int] = len,  # type: ignore[assignment]
    ) -> _T:
        """The value of a key, made anew where it was made of something else.

        Of several threads that ask for the same, one makes it and the others wait.
        """
        with self._lock:
            making = self._making.setdefault(key, _Making())
        with making.lock:
            with self._lock:
                if key in self._values and self._values[key][0] == inputs:
                    self._values.move_to_end(key)
                    return self._values[key][1]
            value = make()
            with self._lock:
                self._drop(key)
                self._values[key] = inputs, value, 1 + size(value)
                self._size += self._values[key][2]
                while self._size > self._most:
                    self._drop(next(iter(self._values)))
            return value

    def _drop(self, key: tuple[str, ...]) -> None:
        if key in self._values:
            self._size -= self._values.pop(key)[2]
