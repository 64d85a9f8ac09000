"""Which buckets a bucket is compared with, and for which of its features.

That is one window of buckets, unless somebody has accepted a change of some features only.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from lightmeter.monitor.accepted import covers_feature, in_force, words_of
from lightmeter.monitor.baselines import BaselineBuckets, DateRange, Other, Trailing
from lightmeter.monitor.results import ANOMALY, NOT_ENOUGH, OK, PENDING, Result
from lightmeter.monitor.sitemap import bucket_text
from lightmeter.store.records import Accepted, ResultState
from lightmeter.store.rows import Bucket
from lightmeter.text import counted


class Window(NamedTuple):
    """Buckets to compare with.

    Attributes:
        starts: of them, earliest first.
        order: what is accepted, the latest first, of which each feature takes the first that
            covers it.
        at: which of `order` this window is of; its length where it is of none.
        still: the newest of the buckets, where the window no longer moves.
    """

    starts: Sequence[datetime] = ()
    order: Sequence[Accepted] = ()
    at: int = 0
    still: datetime | None = None

    @property
    def accepted(self) -> Accepted | None:
        """What it begins with."""
        return self.order[self.at] if self.at < len(self.order) else None

    @property
    def is_of_all(self) -> bool:
        """Whether it is for every feature that no other window takes."""
        return self.accepted is None or self.accepted.patterns.feature == "*"

    @property
    def made_of(self) -> bytes:
        """All of it that results follow from but the buckets."""
        still = bucket_text(self.still) if self.still else ""
        if not self.order and not still:
            return b""
        return repr((tuple(self.order), self.at, still)).encode("utf-8", "surrogatepass")

    def takes(self, feature: str) -> bool:
        """Whether it is the window of a feature; empty for the bucket itself."""
        if not feature:
            return self.is_of_all
        for index, accepted in enumerate(self.order):
            if covers_feature(accepted, feature):
                return index == self.at
        return self.at == len(self.order)

    def too_few(
        self, count: int, least: int, bucket: Bucket, features: Collection[str]
    ) -> list[Result]:
        """What is said where only `count` buckets are there.

        Of a bucket that somebody could look at when the change was accepted it is that all is well.
        """
        words = f"{counted(count, 'bucket')} to compare with, of {least} needed"
        state: ResultState = NOT_ENOUGH
        if (accepted := self.accepted) is not None:
            words = f"{words}; {words_of(accepted)}"
            if bucket.start <= accepted.at:
                state, words = OK, words_of(accepted)
        names = [""] if self.is_of_all else [name for name in features if self.takes(name)]
        return [Result(name, state, words=words) for name in names]

    def with_remedy(self, result: Result) -> Result:
        """A result that says so where the window stands still because all is anomalous."""
        if self.still is None or result.state not in (ANOMALY, PENDING):
            return result
        still = f"the baseline stands still since {bucket_text(self.still)}: see `monitor accept`"
        return result._replace(words="; ".join(filter(None, (result.words, still))))


ALL = Window()


class Windows:
    """The windows of the buckets of a segment, which are asked for in order of time."""

    def __init__(
        self,
        baseline: Trailing | DateRange | Other,
        length: timedelta,
        buckets: Sequence[Bucket],
        accepted: Sequence[Accepted],
    ) -> None:
        """As for `BaselineBuckets`; `accepted` moves trailing baselines only."""
        self._made_of = baseline, length, buckets
        self._accepted = accepted if isinstance(baseline, Trailing) else ()
        self._chosen: dict[Accepted | None, BaselineBuckets] = {}

    def of(self, bucket: Bucket, anomalous: Mapping[datetime, Collection[str]]) -> list[Window]:
        """Those of a bucket.

        Args:
            bucket: later than those asked for before.
            anomalous: starts of the buckets before it in which an anomaly was found, and of which
                features.
        """
        order = in_force(self._accepted, bucket.start)
        windows = [Window((), order, index) for index in range(len(order) + 1)]
        if order and windows[-2].is_of_all:
            windows.pop()
        return [self._filled(window, bucket, anomalous) for window in windows]

    def _filled(
        self, window: Window, bucket: Bucket, anomalous: Mapping[datetime, Collection[str]]
    ) -> Window:
        accepted = window.accepted
        if accepted not in self._chosen:
            self._chosen[accepted] = BaselineBuckets(
                *self._made_of, since=accepted and accepted.since
            )
        chosen = self._chosen[accepted]
        passed: Collection[datetime] = anomalous
        if window.order:
            passed = {start for start, names in anomalous.items() if any(map(window.takes, names))}
        starts = chosen.of(bucket, passed)
        return window._replace(starts=starts, still=chosen.stands_still_since(bucket))
