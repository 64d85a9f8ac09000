"""What a store holds, without its profiles."""

from fastapi import APIRouter

from lightmeter.profile.segments import segment_text
from lightmeter.serve import parameters as given
from lightmeter.serve.login import Reader
from lightmeter.serve.parameters import in_threads
from lightmeter.serve.refusal import API
from lightmeter.store import models

__all__ = ["router"]

router = APIRouter(prefix=API)


@router.get("/datasets")
@in_threads
def datasets(caller: Reader) -> models.Datasets:
    """Return the names of the datasets, and the length of their buckets."""
    lengths = caller.store.datasets().items()
    return models.Datasets(datasets={name: each for name, each in lengths if caller.key.sees(name)})


@router.get("/summary")
@in_threads
def summary(caller: Reader) -> models.Summary:
    """Return what there is of each segment of each dataset."""
    lines = [line for line in caller.store.summary() if caller.key.sees(line.dataset)]
    return models.Summary.model_validate({"summary": lines})


@router.get("/segments")
@in_threads
def segments(caller: Reader, dataset: given.Dataset) -> models.Segments:
    """Return the segments of a dataset; one without pairs is the dataset as a whole."""
    found = caller.store.segments(caller.known(dataset))
    lines = [{"text": segment_text(pairs), "pairs": pairs} for pairs in found]
    return models.Segments.model_validate({"segments": lines})


@router.get("/buckets")
@in_threads
def buckets(
    caller: Reader,
    dataset: given.Dataset,
    start: given.Start = None,
    end: given.End = None,
    segment: given.Segment = None,
) -> models.Buckets:
    """Return the buckets of a segment that have profiles, earliest first."""
    found = caller.store.buckets(caller.known(dataset), start, end, segment=segment)
    return models.Buckets.model_validate({"buckets": found})


@router.get("/stored")
@in_threads
def stored(
    caller: Reader,
    dataset: given.Dataset,
    start: given.Start = None,
    end: given.End = None,
    segment: given.Segment = None,
) -> models.Stored:
    """Return which profiles there are in these buckets, with the SHA-256 of their bytes."""
    found = caller.store.stored(caller.known(dataset), start, end, segment=segment)
    return models.Stored.model_validate({"profiles": found})


@router.get("/rolled_up")
@in_threads
def rolled_up(
    caller: Reader, dataset: given.Dataset, writer: given.Writer, segment: given.Segment = None
) -> models.RolledUp:
    """Return the buckets of which a writer's profile can no longer be replaced.

    It was merged into a day's.
    """
    starts = caller.store.rolled_up(caller.known(dataset), writer=writer, segment=segment)
    return models.RolledUp(starts=starts)
