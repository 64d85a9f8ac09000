"""Where the dashboard keeps what, as paths that alerts can link to before a page exists."""

import hashlib
import re
from datetime import datetime

from lightmeter.profile.segments import parse_segment

_READABLE = 40
_DIGITS = 12


def slug(name: str) -> str:
    """A file name for `name`: short, safe on any file system and in any URL, one per name.

    Names that differ in case or in what cannot be kept differ in the digits at the end.
    """
    readable = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip(".-")[:_READABLE].rstrip(".-")
    digits = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{readable}-{digits}" if readable else digits


def dataset_page(dataset: str) -> str:
    """Path of the page of a dataset."""
    return f"{slug(dataset)}/index.html"


def segment_page(dataset: str, segment: str) -> str:
    """Path of the page of a segment, given as `segment_text`; empty for the whole dataset."""
    return f"{slug(dataset)}/{slug(segment)}/index.html" if segment else dataset_page(dataset)


def feature_page(dataset: str, segment: str, feature: str) -> str:
    """Path of the page of a feature; of its segment for what is about no one feature."""
    if not feature:
        return segment_page(dataset, segment)
    return segment_page(dataset, segment).replace("index.html", f"f-{slug(feature)}.html")


def bucket_page(dataset: str, segment: str, start: datetime) -> str:
    """Path of the page of a bucket."""
    return segment_page(dataset, segment).replace("index.html", f"{start:%Y%m%dT%H%M%S}.html")


def place_text(dataset: str, segment: str) -> str:
    """Return a dataset, or a segment given as text, as one reads it: ``cells [camera=left]``."""
    pairs = (f"{key}={value}" for key, value in parse_segment(segment).items())
    return f"{dataset} [{', '.join(pairs)}]" if segment else dataset


def bucket_text(start: datetime) -> str:
    """Start of a bucket as one reads it: a day, or a time in UTC."""
    if (start.hour, start.minute, start.second) == (0, 0, 0):
        return f"{start:%Y-%m-%d}"
    return f"{start:%Y-%m-%d %H:%M} UTC"


def stretch_text(first: datetime, last: datetime) -> str:
    """The buckets from one to another as one reads them."""
    return bucket_text(first) if first == last else f"{bucket_text(first)} to {bucket_text(last)}"
