"""The SQLite file of a store: where it may lie, and a connection to it."""

import os
import re
import sqlite3
from pathlib import Path

from lightmeter.errors import StoreError

BUSY_SECONDS = 30
# An acknowledged profile survives a power cut too; a service writes a few a minute.
SYNCHRONOUS = "FULL"
MOUNTS = "/proc/self/mountinfo"
# Their locks do not reach other machines, or not reliably, and SQLite stands on locks. Under FUSE
# the type names the program; files of object stores cannot even be changed in place.
_NETWORK = re.compile(
    r"9p|afs|beegfs|ceph|cifs|coda|gfs2|gpfs|glusterfs|lustre|nfs4?|ocfs2|orangefs|pvfs2|smb[23]|"
    r"smbfs|fuse\.(blobfuse2?|ceph.*|curlftpfs|davfs2?|gcsfuse|glusterfs|goofys|juicefs|moosefs|"
    r"mfs|mount-?s3|mountpoint-s3|rclone|s3fs|s3ql|seaweedfs|sshfs)"
)


def check_file_system(path: Path) -> None:
    """Refuse a file on a network file system, as far as Linux tells.

    A line of the mounts is ``36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/sda rw``
    with the numbers of the device, and any number of fields before the dash.
    """
    try:
        device = os.stat(os.path.dirname(os.path.realpath(path))).st_dev
        lines = Path(MOUNTS).read_text(errors="surrogateescape").splitlines()
    except OSError:
        return
    numbers = f" {os.major(device)}:{os.minor(device)} "
    kinds = [line.partition(" - ")[2].split(" ")[0] for line in lines if numbers in line]
    for kind in filter(_NETWORK.fullmatch, kinds):
        raise StoreError(
            f"{path} is on a network file system ({kind}), where SQLite can lose data; keep the "
            "store on a local disk, or in PostgreSQL"
        )


def is_read_only(path: Path) -> bool:
    """Return whether this process may not write to a file that is there, or into its folder."""
    real = os.path.realpath(path)
    places = real, os.path.dirname(real)
    return not all(os.access(place, os.W_OK, effective_ids=True) for place in places)


def connect(path: Path, seconds: float) -> sqlite3.Connection:
    """Open a file that is there; statements wait so many seconds for others.

    Where it cannot be written, nobody can make the file that readers share. So a file without a log
    is read as it is.
    """
    mode = "rw"
    if is_read_only(path):
        log = Path(f"{os.path.realpath(path)}-wal")
        mode = "ro" if log.exists() and log.stat().st_size else "ro&immutable=1"

    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=seconds,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA synchronous={SYNCHRONOUS}")
        if not path.stat().st_size:  # others may do it at the same time, for which nobody waits
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
    except BaseException:
        connection.close()
        raise
    return connection


def sqlite_code(error: BaseException) -> int:
    """Return SQLite's primary result code; errors of Python's module itself have none."""
    return getattr(getattr(error, "orig", error), "sqlite_errorcode", 0) & 0xFF
