"""Profiles of Ray data sets: pictures are measured where they are, and never come to the driver."""

from typing import Any, Unpack

from lightmeter.batch.cluster import Plan, plan_of
from lightmeter.batch.profile import RowOptions
from lightmeter.batch.segments import SegmentBy
from lightmeter.profile import ProfileView
from lightmeter.profile.segments import SegmentedViews
from lightmeter.profile.table_files import parquet

__all__ = ["profile"]

_ROWS = 256  # of a batch: all their pictures are in memory


def profile(
    dataset: Any, *, segment_by: SegmentBy | None = None, **options: Unpack[RowOptions]
) -> ProfileView | SegmentedViews:
    """Profile the pictures of a ``ray.data.Dataset``, on its cluster.

    Profiles of batches are merged as they come. So numbers are those of `lightmeter.profile_images`
    of the same pictures: up to 1024 pictures they are equal, co-moments to 1e-12, and beyond that
    estimates differ within their bounds.

    Args:
        dataset: its rows hold encoded bytes, arrays (HxW or HxWxC, unless `layout` says otherwise),
            paths or addresses that all machines can open, or dicts of ``bytes`` and ``path``.
        segment_by: what segment a picture belongs to, as for `profile_images`. Of more than 1000
            segments the first that come are kept.
        options: `column`, `values`, `prefix`, `group`, `exemplars`, `sample`, `tags`, all of a
            `lightmeter.Reading`, as for `profile_images`. The column may have any name if it is the
            only one.

    Returns:
        The profile; with `segment_by` the `lightmeter.SegmentedViews` of all segments.

    Raises:
        TypeError: it is no data set of Ray, or an option is of another type.
        ValueError: it has no such column, or an argument is out of range.
    """
    if not hasattr(dataset, "map_batches"):
        raise TypeError(f"got a {type(dataset).__name__}; expected a ray.data.Dataset")
    schema = dataset.schema()
    if schema is None:  # no rows
        return plan_of(["image"], segment_by, column="image").merged(())
    plan = plan_of(schema.names, segment_by, **options)
    parts = dataset.select_columns(plan.columns).map_batches(
        _profiled, batch_size=_ROWS, batch_format="pyarrow", fn_kwargs={"plan": plan}
    )
    return plan.merged((row["segment"], row["profile"]) for row in parts.iter_rows())


def _profiled(table: Any, plan: Plan) -> Any:
    """In a task: the profiles of a batch."""
    segments, profiles = zip(*plan.parts(table.to_batches()), strict=True)
    return parquet().table({"segment": segments, "profile": profiles})
