"""The report of a comparison: as a table, as JSON, as a page, in a notebook."""

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
    """What `lightmeter.compare` found: a `Comparison` that can be shown.

    Examples
    --------
    >>> report = lm.compare(target=view, reference="good.lmp")
    >>> report["image.Sharpness"].verdict
    'drift'
    """

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON.

        It has ``summary``, ``causes``, ``read_differently``, ``thresholds``, ``notes`` and
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
        """Return one row per feature, the most severe first; the index is named ``feature``.

        Raises
        ------
        ImportError
            Pandas is not installed.

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
        """Write the report as one page that needs no network and no script.

        Parameters
        ----------
        path
            The file.
        target_name
            What the page calls the target, such as where it is from.
        reference_name
            What it calls the reference.

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
    """Compare two profiles: what changed from `reference` to `target`.

    Numbers are tested for location, spread and tails by scores of their ranks, given the ties, and
    by Kolmogorov and Smirnov's exact test; circular hue by Kuiper's; categories with a permuted
    chi-square test; rates of missing values, of text among numbers and of failures with Fisher's.
    Results are the same on every run. See `FeatureDrift` for what is reported.

    Parameters
    ----------
    unnamed
        Nothing: both sides have names.
    target
        The profile to judge: a `ProfileView`, a `Profile`, what `log` or `log_image` returned, or
        the path of a profile file.
    reference
        What it should look like; the same.
    thresholds
        What verdicts are reached by, such as ``drift=0.01`` for the largest q-value or
        ``effect=0.2`` for the least shift; see `Thresholds` for all, and why they are so.

    Raises
    ------
    TypeError
        A side is something else, or not named.
    ValueError
        A threshold is out of its range.
    OSError
        A file cannot be read.
    DecodeError
        A file holds no whole profile.

    Examples
    --------
    >>> lm.compare(target="today.lmp", reference="good.lmp").summary()
    """
    if unnamed or target is None or reference is None:
        raise TypeError("say which side is which: compare(target=..., reference=...)")
    by = Thresholds(**thresholds)
    return DriftReport(target=view_of(target), reference=view_of(reference), thresholds=by)
