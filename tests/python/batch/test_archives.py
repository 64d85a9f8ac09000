"""Damaged, hostile and odd archives: what was read counts, and the rest is one failure."""

import gzip
import io
import os
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lightmeter import Limits, profile_images
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Wanted
from memory import profile_and_weigh
from shards import changed, encoded, failures, pictures, write_tar, write_zip

NAMES = list(pictures())  # six


def header(number: int) -> int:
    """Where the header of a member of `pictures()` is in a tar."""
    sizes = [512 + -(-len(data) // 512) * 512 for data in pictures().values()]
    return sum(sizes[:number])


def with_sum(data: bytearray, at: int) -> None:
    data[at + 148 : at + 156] = b" " * 8
    data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])


def lying(size: bytes) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        at = header(2)
        data[at + 124 : at + 136] = size
        with_sum(data, at)

    return change


def flipped(place: int) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data[place] ^= 0xFF

    return change


@pytest.mark.parametrize(
    ("change", "images", "failed"),
    [
        (lambda data: data[: header(3) + 600], 3, [(NAMES[3], "truncated")]),
        (lambda data: data[: header(3)], 3, [("", "truncated")]),
        (lying(b"-%010o\0" % 5000), 2, [("", "corrupt")]),
        (flipped(header(2)), 2, [("", "corrupt")]),
        (lying(b"%011o\0" % (1 << 28)), 2, [(NAMES[2], "truncated")]),
        (lying(b"\x80" + b"\0" * 3 + b"\x7f" * 8), 2, [(NAMES[2], "too_large")]),
        (lambda data: data[: header(1)] + bytes(5000) + data[header(1) :], 1, [("", "corrupt")]),
        (lambda data: data[: header(1)] + bytes(5120) + data[header(1) :], 6, []),
        (lambda data: b"", 0, [("", "truncated")]),
    ],
)
def test_damaged_tars(
    change: Callable[[bytearray], bytes], images: int, failed: list[object], tmp_path: Path
) -> None:
    path = changed(write_tar(tmp_path / "p.tar", pictures()), change)
    assert failures(path) == (images, failed)


def test_damaged_compressed_tars(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "p.tar.gz", pictures(), "w:gz").read_bytes()
    for size in (len(whole) // 2, 5):
        (tmp_path / "p.tar.gz").write_bytes(whole[:size])
        images, failed = failures(tmp_path / "p.tar.gz")
        assert images < 6
        assert "truncated" in [reason for _, reason in failed]
        assert len(failed) <= 2
    (tmp_path / "p.tar.gz").write_bytes(whole + b"rubbish")
    assert failures(tmp_path / "p.tar.gz")[0] == 6


def add(tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
    member.size = len(encoded())
    tar.addfile(member, io.BytesIO(encoded()))


def test_odd_members_of_tars(tmp_path: Path) -> None:
    """Links and devices are passed over; long names are read."""
    path = tmp_path / "p.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo("link.png")
            member.type, member.linkname, member.size = kind, "/etc/passwd", 0
            tar.addfile(member)
        for name in ("../../up.png", "/root.png", "./a.png", "d/" * 120 + "long.png", ".h.png"):
            add(tar, tarfile.TarInfo(name))
        folder = tarfile.TarInfo("folder.png")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    names = [item.name.removeprefix(f"{path}:") for item in source_of(path, Wanted())]
    assert names == ["../../up.png", "/root.png", "a.png", "d/" * 120 + "long.png"]
    assert failures(path) == (4, [])


def test_hostile_names_of_tars(tmp_path: Path) -> None:
    """A name of a gigabyte is not read; one of 60 kB and bytes that are no text are."""
    strange = os.fsdecode(b"\xff\x1b.png")
    members = {strange: b"x", "a/" * 30_000 + "b.png": b"x"}
    data = write_tar(tmp_path / "p.tar", members).read_bytes()
    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    path = tmp_path / "q.tar"
    path.write_bytes(long.tobuf(tarfile.USTAR_FORMAT) + data)
    assert failures(path)[1][0] == ("", "corrupt")
    path.write_bytes(data)
    assert [reason for _, reason in failures(path)[1]] == ["unsupported"] * 2
    assert len(profile_images(path).failures) == 2


def central(number: int, data: bytes, mark: bytes = b"PK\1\2") -> int:
    """Where the entry of a member begins in a zip."""
    place = -1
    for _ in range(number + 1):
        place = data.index(mark, place + 1)
    return place


def patched(number: int, offset: int, value: bytes) -> object:
    def change(data: bytearray) -> None:
        at = central(number, data) + offset
        data[at : at + len(value)] = value

    return change


@pytest.mark.parametrize(
    ("change", "images", "failed"),
    [
        (lambda data: data[: central(0, data)], 0, [("", "truncated")]),
        (lambda data: data[: central(3, data, b"PK\3\4") + 100], 0, [("", "truncated")]),
        (patched(2, 16, b"\0\0\0\0"), 5, [(NAMES[2], "corrupt")]),
        (patched(2, 24, struct.pack("<L", 1 << 31)), 5, [(NAMES[2], "too_large")]),
        (patched(2, 8, b"\x01\0"), 5, [(NAMES[2], "unsupported")]),
        (patched(2, 42, struct.pack("<L", 1 << 31)), 5, [(NAMES[2], "truncated")]),
        (patched(2, 38, struct.pack("<L", 0o120777 << 16)), 5, []),
        (patched(2, 20, struct.pack("<L", 1 << 20)), 0, [("", "corrupt")]),  # over its neighbour
        (lambda data: data.replace(b"PK\1\2", b"PK\1\3", 1), 0, [("", "corrupt")]),
    ],
)
def test_damaged_zips(
    change: Callable[[bytearray], bytes], images: int, failed: list[object], tmp_path: Path
) -> None:
    path = changed(write_zip(tmp_path / "p.zip", pictures()), change)
    assert failures(path) == (images, failed)


def test_bombs(tmp_path: Path) -> None:
    """What is too large unpacked is refused, whether the archive says so or not."""
    bomb = {"a.png": bytes(30_000_000), **pictures(2)}
    limits = Limits(bytes=1_000_000)
    path = write_zip(tmp_path / "p.zip", bomb)
    assert failures(path, limits=limits) == (2, [("a.png", "too_large")])
    changed(path, patched(0, 24, struct.pack("<L", 500_000)))  # type: ignore[arg-type]
    assert failures(path, limits=limits) == (2, [("a.png", "corrupt")])
    for name, mode in (("p.tar", "w"), ("p.tgz", "w:gz")):
        path = write_tar(tmp_path / name, bomb, mode)
        assert failures(path, limits=limits) == (2, [("a.png", "too_large")])
    large = write_zip(tmp_path / "large.zip", {"a.png": bytes(300_000_000), **pictures(2)})
    words, megabytes = profile_and_weigh(large)
    assert (words, megabytes < 150) == (["2", "too_large"], True)
    with gzip.open(tmp_path / "zeros.tar.gz", "wb") as file:
        file.write(bytes(30_000_000))
    assert failures(tmp_path / "zeros.tar.gz") == (0, [])


def test_an_archive_compressed_in_another_way(tmp_path: Path) -> None:
    (tmp_path / "p.tar.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    assert failures(tmp_path / "p.tar.zst") == (0, [("", "unsupported")])


def test_many_members_take_no_memory(tmp_path: Path) -> None:
    """Each is known while it is looked at, and not longer."""
    import tracemalloc

    data = encoded()
    failures(write_tar(tmp_path / "first.tar", {"a.png": data}))  # which loads what it needs
    for make in (write_tar, write_zip):
        path = make(tmp_path / f"p.{make.__name__[-3:]}", {f"{n}.png": data for n in range(3000)})
        tracemalloc.start()
        assert sum(1 for _ in source_of(path, Wanted())) == 3000
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < (500_000 if make is write_tar else 4_000_000)  # zipfile holds names
