"""Drift reports: as a table, as JSON, as a page, and in a notebook."""

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from lightmeter.drift.compare import Comparison
from lightmeter.drift.row import FeatureDrift, Thresholds
from lightmeter.files import write_atomically
from lightmeter.profile.log import ProfileLike, view_of
from lightmeter.profile.table_files import plain
from lightmeter.report.page import html_page, notebook_html

if TYPE_CHECKING:
    import pandas as pd

_FLOATS = ["ks", "ks_p_value", "p_value", "q_value", "hellinger", "hellinger_debiased"]
_FLOATS += ["wasserstein", "wasserstein_in_sd", "psi", "js", "spread", "tail", "effect"]
_COLUMNS = ["kind", "n_target", "n_reference", *_FLOATS, "effect_name", "verdict", "reason"]


class DriftReport(Comparison):
    """Hold the result of `lightmeter.compare`, and show it in several forms.

    The rows are in `features`; ``report[name]`` returns a single row. A report never
    changes, so threads and forked processes may share it.

    Examples
    --------
    >>> report = lm.compare(target=view, reference="good.lmp")
    >>> report["image.Sharpness"].verdict
    'drift'
    """

    def to_dict(self) -> dict[str, Any]:
        """Return the whole report as a dict for JSON.

        The keys are ``summary``, ``causes``, ``read_differently``, ``thresholds``, ``notes`` and
        ``features``.

        Examples
        --------
        >>> lm.compare(target=target, reference=reference).to_dict()
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
            "features": [_plain(row) for row in self.features],
        }

    def to_pandas(self) -> "pd.DataFrame":
        """Return a DataFrame with one row per feature (index ``feature``), the most severe first.

        Raises
        ------
        ImportError
            pandas is not installed.

        Examples
        --------
        >>> lm.compare(target=target, reference=reference).to_pandas()
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
        """Write the report as an HTML page that needs neither network nor scripts.

        Parameters
        ----------
        path
            Path of the file.
        target_name
            Name of the target on the page, such as its path.
        reference_name
            Name of the reference on the page.

        Raises
        ------
        OSError
            The file cannot be written.

        Examples
        --------
        >>> lm.compare(target=target, reference=reference).write_html("report.html")
        """
        page = html_page(self, target_name=target_name, reference_name=reference_name)
        write_atomically(path, page.encode())

    def _repr_html_(self) -> str:
        return notebook_html(self)


def _plain(row: FeatureDrift) -> dict[str, Any]:
    fields = vars(row) | {"words": row.words}
    left_out = ("sides", "wording")
    return {name: plain(value) for name, value in fields.items() if name not in left_out}


def compare(
    *unnamed: object,
    target: ProfileLike | None = None,
    reference: ProfileLike | None = None,
    **thresholds: float,
) -> DriftReport:
    """Compare two profiles, and judge what changed from `reference` to `target`.

    Numbers are tested for location, spread and tails by scores of their ranks, given the ties; the
    exact Kolmogorov-Smirnov test is reported too. Hues are tested with Kuiper's test, categories
    with a permuted chi-square test, and rates of missing values, of text among numbers and of
    failures with Fisher's exact test. Results are deterministic. See `FeatureDrift` for the
    reported values, and docs/drift.md for the formulas.

    Parameters
    ----------
    unnamed
        Not allowed; pass both sides by name.
    target
        The profile to judge: a `ProfileView`, a `Profile`, a result of `log` or `log_image`, or the
        path of a profile file.
    reference
        The profile to compare with, in the same forms.
    thresholds
        Attributes of `Thresholds`, such as ``drift=0.01`` for the maximum q-value or ``effect=0.2``
        for the minimum shift.

    Raises
    ------
    TypeError
        A side has another type, or is not passed by name.
    ValueError
        A threshold is out of range.
    OSError
        A file cannot be read.
    DecodeError
        A file is not a complete profile.

    Examples
    --------
    >>> lm.compare(target="today.lmp", reference="good.lmp").summary()
    """
    if unnamed or target is None or reference is None:
        raise TypeError("say which side is which: compare(target=..., reference=...)")
    by = Thresholds(**thresholds)
    return DriftReport(target=view_of(target), reference=view_of(reference), thresholds=by)
