"""Names and addresses: which ones are of pictures or files of many, and what of them is shown."""

import os
import re
from urllib.parse import urlsplit, urlunsplit

from lightmeter.batch.sources.folder import image_suffixes
from lightmeter.image.tiles.zarr_folder import ZARR_FILES

__all__ = ["is_image_name", "is_shard", "is_url", "is_web", "shown_url"]
__all__ += ["without_secrets"]

_SHARD = re.compile(r".*\.(tar|tar\.(gz|bz2|xz|zst)|tgz|zip|parquet|csv|jsonl)", re.I | re.DOTALL)
_SCHEME = re.compile(r"([a-z0-9]+::)?[A-Za-z][A-Za-z0-9+.-]+://", re.ASCII)
_ANY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+", re.ASCII)
_OPEN = re.compile(r"https?://[A-Za-z0-9_.:/-]*", re.ASCII)  # no user, query or fragment
_PASSWORD = re.compile(r"^([A-Za-z0-9+.-]+://[^/@:]*):[^/]*@", re.ASCII)


def is_shard(path: str) -> bool:
    """Whether the suffix of a path or address is that of a file of many pictures."""
    return _SHARD.fullmatch(shown_url(path) if "://" in path else path) is not None


def is_image_name(name: str) -> bool:
    """Whether the suffix of a name is that of a picture, and no part of it is hidden.

    The metadata of Zarr are named like one too, so that a folder of it, which is read on this
    machine alone, is counted as ``unsupported``.
    """
    if name.rpartition("/")[2] in ZARR_FILES:
        return True
    if os.path.splitext(name)[1].lower() not in image_suffixes():
        return False
    parts = name.split("/") if "/." in f"/{name}" else []
    return not any(part.startswith(".") and part not in (".", "..") for part in parts)


def is_url(path: object) -> bool:
    """Whether `path` is an address that a library for file systems opens, such as ``s3://b/a``."""
    return isinstance(path, str) and _SCHEME.match(path) is not None


def is_web(url: str) -> bool:
    """Whether it is of a web server, which may be anybody's."""
    return url.startswith(("http://", "https://"))


def shown_url(url: str) -> str:
    """An address without what may be secret: of the web a user, a password and the query of a
    signed one, and else a password. Addresses may be chained by ``::``.
    """
    return "::".join(map(_shown, url.split("::")))


def _shown(url: str) -> str:
    if not is_web(url):
        return _PASSWORD.sub(r"\1@", url)
    if _OPEN.fullmatch(url):  # most are, and taking one apart takes longer
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0]
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def without_secrets(text: str) -> str:
    """A message whose addresses are shown so."""
    return _ANY.sub(lambda match: shown_url(match[0]), text)
