"""The report of a comparison: as a table, as JSON, as a page, in a notebook."""

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from lightmeter.drift.compare import Comparison
from lightmeter.drift.row import FeatureDrift
from lightmeter.files import write_atomically
from lightmeter.profile.table_files import plain
from lightmeter.report.notebook import notebook_html
from lightmeter.report.page import html_page

if TYPE_CHECKING:
    import pandas as pd

_FLOATS = ["ks", "ks_p_value", "p_value", "q_value", "hellinger", "hellinger_debiased"]
_FLOATS += ["wasserstein", "wasserstein_in_sd", "psi", "js", "spread", "tail", "effect"]
_COLUMNS = ["kind", "n_target", "n_reference", *_FLOATS, "effect_name", "verdict", "reason"]


class DriftReport(Comparison):
    """What `lightmeter.compare` found: a `Comparison` that can be shown."""

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON.

        It has ``summary``, ``causes``, ``read_differently``, ``thresholds``, ``notes`` and
        ``features``.
        """
        causes = (
            {"cause": each.cause, "words": each.words, "features": [f.feature for f in each.lines]}
            for each in self.causes
        )
        return {
            "summary": self.summary(),
            "causes": list(causes),
            "read_differently": self.read_differently,
            "thresholds": dataclasses.asdict(self.thresholds),
            "notes": self.notes,
            "features": [_plain(line) for line in self.features],
        }

    def to_pandas(self) -> "pd.DataFrame":
        """One row per feature, the most severe first; the index is named ``feature``.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_pandas needs pandas: pip install 'lightmeter[pandas]'") from error
        names = [line.feature for line in self.features]
        index = pd.Index(names, name="feature", dtype=object)
        rows = [[getattr(line, column) for column in _COLUMNS] for line in self.features]
        frame = pd.DataFrame(rows, index=index, columns=_COLUMNS)
        return frame.astype(dict.fromkeys(_FLOATS, float))

    def write_html(
        self,
        path: str | os.PathLike[str],
        *,
        target_name: str = "target",
        reference_name: str = "reference",
    ) -> None:
        """Write the report as one page that needs no network and no script.

        Args:
            path: the file.
            target_name: what the page calls the target, such as where it is from.
            reference_name: what it calls the reference.
        """
        page = html_page(self, target_name=target_name, reference_name=reference_name)
        write_atomically(path, page.encode())

    def _repr_html_(self) -> str:
        return notebook_html(self)


def _plain(line: FeatureDrift) -> dict[str, Any]:
    values = {name: value for name, value in vars(line).items() if name != "sides"}
    result: dict[str, Any] = plain(values)
    return result
