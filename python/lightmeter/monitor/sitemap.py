"""Where the dashboard keeps what, as paths that alerts can link to before a page exists."""

import hashlib
import re
from datetime import datetime

_READABLE = 40
_DIGITS = 12


def slug(name: str) -> str:
    """Return a file name for `name`: short, safe on any file system and in any URL, one per name.

    Names that differ in case or in what cannot be kept differ in the digits at the end.
    """
    readable = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip(".-")[:_READABLE].rstrip(".-")
    digits = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{readable}-{digits}" if readable else digits


def dataset_page(dataset: str, segment: str = "", name: str = "index") -> str:
    """Return the path of a page of a dataset, or of a segment, which is given as text."""
    return "/".join([*map(slug, filter(None, (dataset, segment))), f"{name}.html"])


def feature_page(dataset: str, segment: str, feature: str) -> str:
    """Return the path of the page of a feature; of its segment for what is about no one feature."""
    return dataset_page(dataset, segment, f"f-{slug(feature)}" if feature else "index")


def bucket_page(dataset: str, segment: str, start: datetime) -> str:
    """Return the path of the page of a bucket."""
    return dataset_page(dataset, segment, f"{start:%Y%m%dT%H%M%S}")
