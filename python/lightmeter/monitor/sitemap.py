"""The paths of dashboard pages, to which alerts can link before a page exists."""

import hashlib
import re
from datetime import datetime

_READABLE = 40
_DIGITS = 12


def slug(name: str) -> str:
    """Return a short file name for `name`, unique and safe on any file system and in any URL.

    Names that differ only in case or in special characters differ in the final digits.
    """
    readable = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip(".-")[:_READABLE].rstrip(".-")
    digits = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{readable}-{digits}" if readable else digits


def dataset_page(dataset: str, segment: str = "", name: str = "index") -> str:
    """Return the path of a page of a dataset, or of a segment (as text)."""
    return "/".join([*map(slug, filter(None, (dataset, segment))), f"{name}.html"])


def feature_page(dataset: str, segment: str, feature: str) -> str:
    """Return the path of the page of a feature; without a feature, that of the segment."""
    return dataset_page(dataset, segment, f"f-{slug(feature)}" if feature else "index")


def bucket_page(dataset: str, segment: str, start: datetime) -> str:
    """Return the path of the page of a bucket."""
    return dataset_page(dataset, segment, f"{start:%Y%m%dT%H%M%S}")
