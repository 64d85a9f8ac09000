"""Names in archives and buckets: which ones are of pictures, or of files of many."""

import os
import re

from lightmeter.batch.sources.folder import image_suffixes
from lightmeter.batch.sources.urls import shown_url

__all__ = ["is_image_name", "is_shard", "relative"]

_SHARD = re.compile(
    r".*\.(tar|tar\.(gz|bz2|xz|zst)|tgz|zip|parquet|arrow|feather|csv|jsonl)", re.I | re.DOTALL
)


def is_shard(path: str) -> bool:
    """Whether the suffix of a path or address is that of a file of many pictures."""
    return _SHARD.fullmatch(shown_url(path)) is not None


def is_image_name(name: str) -> bool:
    """Whether the suffix of a name is that of a picture, and no part of it is hidden."""
    if os.path.splitext(name)[1].lower() not in image_suffixes():
        return False
    parts = name.split("/") if "/." in f"/{name}" else []
    return not any(part.startswith(".") and part not in (".", "..") for part in parts)


def relative(name: str, root: str) -> str:
    """A name as it is below the folder `root`."""
    folder = root.rstrip("/") + "/"
    below = name[len(folder) :]
    if name.startswith(folder) and below[:1] not in ("/", ".") and "//" not in below:
        return below  # os.path.relpath asks for the current folder each time
    return os.path.relpath(name, root)
