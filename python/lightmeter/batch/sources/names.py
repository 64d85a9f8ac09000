"""Names in archives and buckets: which ones are of pictures, or of files of many."""

import os
import re
from collections.abc import Iterable

from lightmeter.batch.sources.folder import image_suffixes
from lightmeter.batch.sources.urls import shown_url
from lightmeter.errors import ImageError
from lightmeter.image.tiles.zarr_folder import ZARR_FILES

__all__ = ["is_image_name", "is_shard", "no_zarr", "relative", "zarr_folders"]

_SHARD = re.compile(r".*\.(tar|tar\.(gz|bz2|xz|zst)|tgz|zip|parquet|csv|jsonl)", re.I | re.DOTALL)


def is_shard(path: str) -> bool:
    """Whether the suffix of a path or address is that of a file of many pictures."""
    return _SHARD.fullmatch(shown_url(path) if "://" in path else path) is not None


def is_image_name(name: str) -> bool:
    """Whether the suffix of a name is that of a picture, and no part of it is hidden."""
    if os.path.splitext(name)[1].lower() not in image_suffixes():
        return False
    parts = name.split("/") if "/." in f"/{name}" else []
    return not any(part.startswith(".") and part not in (".", "..") for part in parts)


def zarr_folders(names: Iterable[str]) -> list[str]:
    """The folders of Zarr among the names of files, by their metadata; none inside of another."""
    folders: list[str] = []
    for name in sorted(names, key=lambda name: (name.count("/"), name)):
        folder, _, last = name.rpartition("/")
        is_inside = any(it == "" or f"{folder}/".startswith(f"{it}/") for it in folders)
        if last in ZARR_FILES and not is_inside:
            folders.append(folder)
    return folders


def no_zarr() -> ImageError:
    """The error of a folder of Zarr that is not among the files of this machine."""
    return ImageError("unsupported", "a folder of Zarr elsewhere or in an archive; copy it here")


def relative(name: str, root: str) -> str:
    """Return a name as it is below the folder `root`, or in the archive or table of that name.

    A table lists paths as they are beside it. Other addresses stay as they are.
    """
    if name.startswith(f"{root}:"):
        return name[len(root) + 1 :]
    root = os.path.dirname(root) if is_shard(root) else root
    folder = root.rstrip("/") + "/"
    below = name[len(folder) :]
    if root and name.startswith(folder) and below[:1] not in ("/", ".") and "//" not in below:
        return below  # os.path.relpath asks for the current folder each time
    scheme, is_address, _ = name.partition("://")
    if is_address and not root.startswith(f"{scheme}://"):
        return name
    return os.path.relpath(name, root or None)
