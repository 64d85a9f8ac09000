"""Names in archives and buckets: which ones are of pictures, and how they are shown."""

import os
import re
from pathlib import PurePosixPath
from urllib.parse import urlsplit, urlunsplit

from lightmeter.batch.sources.folder import image_suffixes

__all__ = ["is_image_name", "is_shard", "is_url", "relative", "shown_url"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+::?//?|[a-z0-9]+::", re.ASCII)
_SHARD = re.compile(
    r".*\.(tar|tar\.(gz|bz2|xz|zst)|tgz|zip|parquet|arrow|feather|csv|jsonl)", re.I | re.DOTALL
)
_WEB = ("http", "https")


def is_url(path: object) -> bool:
    """Whether `path` is an address that a library for file systems opens, such as ``s3://b/a``."""
    return isinstance(path, str) and ("://" in path) and _SCHEME.match(path) is not None


def is_shard(path: str) -> bool:
    """Whether the suffix of a path or address is that of a file of many pictures."""
    return _SHARD.fullmatch(shown_url(path)) is not None


def is_image_name(name: str) -> bool:
    """Whether the suffix of a name is that of a picture, and no part of it is hidden."""
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") and part not in (".", "..") for part in path.parts)
    return not hidden and path.suffix.lower() in image_suffixes()


def shown_url(url: str) -> str:
    """An address without what may be secret: a user, a password, and the query of a signed one."""
    if not url.startswith(tuple(f"{scheme}://" for scheme in _WEB)):
        return url
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def relative(name: str, root: str) -> str:
    """A name as it is below the folder `root`."""
    folder = root.rstrip("/") + "/"
    below = name[len(folder) :]
    if name.startswith(folder) and below[:1] not in ("/", ".") and "//" not in below:
        return below  # os.path.relpath asks for the current folder each time
    return os.path.relpath(name, root)
