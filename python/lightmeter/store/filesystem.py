"""Whether a folder is a safe place for SQLite."""

import mmap
import os
import re
import tempfile

__all__ = ["network_filesystem", "wal_works"]

# Their locks do not reach other machines, or not reliably, and SQLite stands on locks.
_NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "gpfs", "glusterfs", "lustre"}
    | {"nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb2", "smb3", "smbfs"}
)
# Under FUSE the type names the program. Files of object stores cannot even be changed in place.
_NETWORK_FUSE = re.compile(
    r"fuse\.(blobfuse2?|ceph.*|curlftpfs|davfs2?|gcsfuse|glusterfs|goofys|juicefs|moosefs|mfs"
    r"|mount-?s3|mountpoint-s3|rclone|s3fs|s3ql|seaweedfs|sshfs)"
)
_ESCAPE = re.compile(r"\\([0-7]{3})")
MOUNTS = "/proc/self/mountinfo"


def network_filesystem(folder: str | os.PathLike[str]) -> str | None:
    """The type of the file system that `folder` is on, such as ``"nfs4"``, if it is a network one.

    Known on Linux only; elsewhere None.
    """
    try:
        with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
            kind = _mounted_type(os.path.realpath(folder), file.read())
    except OSError:
        return None
    return kind if kind in _NETWORK or _NETWORK_FUSE.fullmatch(kind) else None


def _mounted_type(path: str, mounts: str) -> str:
    """Type of the innermost mount above `path`; of mounts on one point the last hides the rest.

    A line is ``36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/sda rw``, with
    octal escapes and any number of fields before the dash.
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        if len(fields.split(" ")) < 5 or not rest:
            continue
        point = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields.split(" ")[4])
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.split(" ")[0]
    return kind


def wal_works(folder: str | os.PathLike[str]) -> bool:
    """Whether a database in WAL mode can be written in `folder`: it maps a file into shared memory.

    Where that cannot be done, setting the mode succeeds and the first write fails. It is tried on
    a file without a name, of which a kill leaves nothing behind.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.truncate(mmap.PAGESIZE)
            with mmap.mmap(file.fileno(), mmap.PAGESIZE) as memory:
                memory[0] = 1
    except (OSError, ValueError):
        return False
    return True
