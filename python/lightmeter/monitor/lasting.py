"""`for`: an anomaly counts once its line was anomalous in so many buckets in a row."""

import json
from collections.abc import Iterable

from lightmeter.monitor.results import ANOMALY, ERROR, NOT_ENOUGH, OK, PENDING, Result
from lightmeter.store.records import streaks_of


class Streaks:
    """For how many buckets in a row the features of a monitor and segment are anomalous.

    A bucket that is missing, or in which a feature cannot be judged, neither counts nor ends
    anything. A bucket that was judged without a word on a feature ends what was said of it.
    """

    def __init__(self, needed: int) -> None:
        """Of no bucket yet; `needed` is the number from which on an anomaly is one."""
        self._needed = needed
        self._counts: dict[str, int] = {}

    @property
    def made_of(self) -> str:
        """What the results of the next bucket follow from besides the bucket."""
        return "" if self._needed == 1 else f"{self._needed} {self.text}"

    @property
    def text(self) -> str:
        """`Kept.streaks` of the bucket that was last applied or resumed."""
        return json.dumps(self._counts, sort_keys=True) if self._counts else ""

    def resume(self, text: str) -> None:
        """Go on behind a bucket that is as it was."""
        self._counts = streaks_of(text)

    def apply(self, results: Iterable[Result]) -> list[Result]:
        """The results of the next bucket, in order of time, where the rule knows no `for`."""
        results = list(results)
        states = {result.state for result in results}
        before, self._counts = self._counts, {}
        if ERROR in states or not states & {OK, ANOMALY}:
            silent = set(before)
        else:
            silent = {result.feature for result in results if result.state == NOT_ENOUGH}
        if self._needed > 1:
            self._counts = {name: -abs(before[name]) for name in silent if name in before}
        return [self._applied(result, before) for result in results]

    def _applied(self, result: Result, before: dict[str, int]) -> Result:
        if result.state != ANOMALY:
            return result
        count = min(self._needed, 1 + abs(before.get(result.feature, 0)))
        self._counts[result.feature] = count
        if count == self._needed:
            return result
        words = "; ".join(filter(None, (result.words, f"{count} of {self._needed} in a row")))
        return result._replace(state=PENDING, words=words)


def anomalous_in(text: str) -> list[str]:
    """The features that were anomalous in a bucket itself, of its `Kept.streaks`."""
    return [feature for feature, count in streaks_of(text).items() if count > 0]
