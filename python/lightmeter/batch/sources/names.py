"""Classifying names and URLs of images and archives, and hiding secrets in them."""

import os
import posixpath
import re
from functools import cache

from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.encoded import VIDEO_SUFFIXES, ZARR_FILES

_SCHEME = re.compile(r"([a-z0-9]+::)?[A-Za-z][A-Za-z0-9+.-]+://", re.ASCII)
_ANY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+", re.ASCII)
# Secrets in web URLs are user, password and the query of a signed URL; in others, a password.
_WEB = re.compile(r"(^|::)(https?://)(?:[^/?#]*@)?([^?#]*).*", re.IGNORECASE | re.DOTALL)
_PASSWORD = re.compile(r"((?:^|::)[A-Za-z0-9+.-]+://[^/@:]*):[^/]*@", re.ASCII)
_HIDDEN = re.compile(r"(^|/)\.(?!\.?/)")
_SHARD = re.compile(r".*\.(tar|tar\.(gz|bz2|xz|zst)|tgz|zip|parquet|csv|jsonl)", re.I | re.DOTALL)

# Formats that need a plug-in or are not supported. In a folder, these files count as unsupported
# images instead of being skipped. MPO is read as JPEG.
_OTHER_IMAGE_SUFFIXES = frozenset(
    {".mpo", ".avif", ".heic", ".heif", ".hif", ".jxl", ".jxr", ".dcm", ".exr", ".svg"}
    | {".czi", ".lif", ".nd2", ".vrt"}
    # raw files of cameras
    | {".3fr", ".arw", ".cr2", ".cr3", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mos", ".mrw"}
    | {".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"}
)


def is_url(path: object) -> bool:
    """Return whether `path` is a URL for fsspec, such as ``s3://b/a``."""
    return isinstance(path, str) and "://" in path and _SCHEME.match(path) is not None


def is_web(url: str) -> bool:
    """Return whether `url` belongs to a web server, which may be untrusted."""
    return url.lower().startswith(("http://", "https://"))


def is_stream(url: str) -> bool:
    """Return whether `url` is the endless stream of a camera."""
    return url.lower().startswith(("rtsp://", "rtsps://", "tcp://", "udp://"))


def is_video_name(name: str) -> bool:
    """Return whether the suffix of a name is that of a video."""
    return os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES


def shown_url(url: str) -> str:
    """Return a URL without secrets. URLs may be chained by ``::``."""
    return _PASSWORD.sub(r"\1@", _WEB.sub(r"\1\2\3", url))


def without_secrets(text: str) -> str:
    """Return a message whose URLs have no secrets; see `shown_url`."""
    return _ANY.sub(lambda match: shown_url(match[0]), text)


def local_path(text: str) -> str:
    """Return a path that Python can open from one in Hadoop's form, such as ``file:/a.jpg``."""
    return text.removeprefix("file:") if text.startswith("file:/") and not is_url(text) else text


def linked(path: str, file: str) -> str | ImageError:
    """Return the path, URL or error for a path in a manifest or table.

    A path is absolute, relative to the folder of the file, or relative to the current folder. A
    remote file is untrusted and cannot name files of this machine.
    """
    folder, path = os.path.dirname(file), local_path(path)
    if is_url(file):
        address = path if is_url(path) else _below(folder, path)
        if address and not address.startswith(("file:", "local:")) and "::" not in path:
            return address
        detail = "a file elsewhere names one of this machine; expected an address"
        return ImageError("unreadable", detail)
    joined = path if is_url(path) else os.path.join(folder, path)
    return path if not os.path.lexists(joined) and os.path.lexists(path) else joined


def _below(folder: str, path: str) -> str | None:
    """Return a path relative to a remote folder; None if it leaves its host or bucket."""
    scheme, _, place = folder.partition("://")
    root = place.partition("/")[0]
    path, mark, query = path.partition("?") if _WEB.search(folder) else (path, "", "")
    joined = posixpath.normpath(f"{place}/{path}")
    inside = not path.startswith("/") and joined.startswith(f"{root}/")
    return f"{scheme}://{joined}{mark}{query}" if inside else None


def shown_link(path: str, file: str) -> str:
    """Return a path that a file names, without the query of a signed URL."""
    return re.split("[?#]", path)[0] if _WEB.search(file) else path


@cache
def image_suffixes() -> frozenset[str]:
    """Return the suffixes of image formats, in lower case."""
    Image.preinit()  # the common ones first: files are tried in that order
    Image.init()
    # Pillow also registers suffixes of formats that users do not regard as images.
    readable = Image.OPEN.keys() - {"MPEG", "PDF", "HDF5", "GRIB", "BUFR"}
    named = Image.registered_extensions().items()
    # Older versions register the suffix of a SPIDER file that is saved, even if there is none.
    pillow = (suffix for suffix, form in named if suffix and form in readable)
    return _OTHER_IMAGE_SUFFIXES.union(VIDEO_SUFFIXES, pillow)


def is_shard(path: str) -> bool:
    """Return whether the suffix of a path or URL is that of an archive or table."""
    return _SHARD.fullmatch(shown_url(path) if "://" in path else path) is not None


def is_image_name(name: str) -> bool:
    """Return whether the suffix of a name is that of an image, and no part of it is hidden.

    Names of Zarr metadata are accepted too, so that a remote Zarr folder, which cannot be read, is
    counted as ``unsupported``.
    """
    if name.rpartition("/")[2] in ZARR_FILES:
        return True
    return os.path.splitext(name)[1].lower() in image_suffixes() and not _HIDDEN.search(name)
