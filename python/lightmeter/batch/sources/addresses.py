"""Addresses: which texts are some, and what of them is shown."""

import re
from urllib.parse import urlsplit, urlunsplit

_SCHEME = re.compile(r"([a-z0-9]+::)?[A-Za-z][A-Za-z0-9+.-]+://", re.ASCII)
_ANY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+", re.ASCII)
_OPEN = re.compile(r"https?://[A-Za-z0-9_.:/-]*", re.ASCII)  # no user, query or fragment
_PASSWORD = re.compile(r"^([A-Za-z0-9+.-]+://[^/@:]*):[^/]*@", re.ASCII)


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
