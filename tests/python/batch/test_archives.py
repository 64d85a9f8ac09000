"""Damaged, hostile and odd archives: what was read counts, and the rest is one failure."""

import gzip
import io
import os
import struct
import tarfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from lightmeter import Limits, measure, profile_images
from lightmeter.batch.running import blocks
from lightmeter.batch.sources.find import source_of
from lightmeter.batch.sources.item import Item, RemotePart, Wanted
from lightmeter.batch.sources.names import is_url, shown_url, without_secrets
from lightmeter.batch.sources.remote import _Reported, loaded
from memory import profile_and_weigh
from shards import Members, changed, encoded, failures, pictures, write_tar, write_zip

NAMES = list(pictures())  # six


def header(number: int) -> int:
    """Where the header of a member of `pictures()` is in a tar."""
    sizes = [512 + -(-len(data) // 512) * 512 for data in pictures().values()]
    return sum(sizes[:number])


def lying(size: bytes) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        at = header(2)
        data[at + 124 : at + 136] = size
        data[at + 148 : at + 156] = b" " * 8
        data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + 512])

    return change


def central(number: int, data: bytes, mark: bytes = b"PK\1\2") -> int:
    """Where the entry of a member begins in a zip."""
    place = -1
    for _ in range(number + 1):
        place = data.index(mark, place + 1)
    return place


def patched(number: int, offset: int, value: bytes) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        at = central(number, data) + offset
        data[at : at + len(value)] = value

    return change


Damage = tuple[Callable[[bytearray], Any], int, list[tuple[str, str]]]
DAMAGED_TARS: list[Damage] = [
    (lambda data: data[: header(3) + 600], 3, [(NAMES[3], "truncated")]),
    (lambda data: data[: header(3)], 3, [("", "truncated")]),
    (lying(b"-%010o\0" % 5000), 2, [("", "corrupt")]),
    (lambda data: data[: header(2)] + b"\x9e" + data[header(2) + 1 :], 2, [("", "corrupt")]),
    (lying(b"%011o\0" % (1 << 28)), 2, [(NAMES[2], "truncated")]),
    (lying(b"\x80" + b"\0" * 3 + b"\x7f" * 8), 2, [(NAMES[2], "too_large")]),
    (lambda data: data[: header(1)] + bytes(5000) + data[header(1) :], 1, [("", "corrupt")]),
    (lambda data: data[: header(1)] + bytes(5120) + data[header(1) :], 6, []),
    (lambda data: b"", 0, [("", "truncated")]),
]
DAMAGED_ZIPS: list[Damage] = [
    (lambda data: data[: central(0, data)], 0, [("", "truncated")]),
    (lambda data: data[: central(3, data, b"PK\3\4") + 100], 0, [("", "truncated")]),
    (patched(2, 16, b"\0\0\0\0"), 5, [(NAMES[2], "corrupt")]),
    (patched(2, 24, struct.pack("<L", 1 << 31)), 5, [(NAMES[2], "too_large")]),
    (patched(2, 8, b"\x01\0"), 5, [(NAMES[2], "unsupported")]),
    (patched(2, 42, struct.pack("<L", 1 << 31)), 5, [(NAMES[2], "truncated")]),
    (patched(2, 38, struct.pack("<L", 0o120777 << 16)), 5, []),
    (patched(2, 20, struct.pack("<L", 1 << 20)), 0, [("", "corrupt")]),  # over its neighbour
    (lambda data: data.replace(b"PK\1\2", b"PK\1\3", 1), 0, [("", "corrupt")]),
]


@pytest.mark.parametrize(
    ("write", "change", "images", "failed"),
    [
        *((write_tar, *each) for each in DAMAGED_TARS),
        *((write_zip, *each) for each in DAMAGED_ZIPS),
    ],
)
def test_damaged_archives(
    write: Any, change: Any, images: int, failed: list[object], tmp_path: Path
) -> None:
    path = changed(write(tmp_path / f"p.{write.__name__[-3:]}", pictures()), change)
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


def test_odd_members_of_tars(tmp_path: Path) -> None:
    """Links and devices are passed over; long names are read."""
    path = tmp_path / "p.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            member = tarfile.TarInfo("link.png")
            member.type, member.linkname, member.size = kind, "/etc/passwd", 0
            tar.addfile(member)
        for name in ("../../up.png", "/root.png", "./a.png", "d/" * 120 + "long.png", ".h.png"):
            member = tarfile.TarInfo(name)
            member.size = len(encoded())
            tar.addfile(member, io.BytesIO(encoded()))
        folder = tarfile.TarInfo("folder.png")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    names = [item.name.removeprefix(f"{path}:") for item in source_of(path, Wanted())]
    assert names == ["../../up.png", "/root.png", "a.png", "d/" * 120 + "long.png"]
    assert failures(path) == (4, [])


def test_hostile_names_of_tars(tmp_path: Path) -> None:
    """A name of a gigabyte is not read; one of 60 kB and bytes that are no text are."""
    members = {os.fsdecode(b"\xff\x1b.png"): b"x", "a/" * 30_000 + "b.png": b"x"}
    data = write_tar(tmp_path / "p.tar", members).read_bytes()
    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    path = tmp_path / "q.tar"
    path.write_bytes(long.tobuf(tarfile.USTAR_FORMAT) + data)
    assert failures(path)[1][0] == ("", "corrupt")
    path.write_bytes(data)
    assert [reason for _, reason in failures(path)[1]] == ["unsupported"] * 2
    assert len(profile_images(path).failures) == 2


def test_bombs(tmp_path: Path) -> None:
    """What is too large unpacked is refused, whether the archive says so or not."""
    bomb = {"a.png": bytes(30_000_000), **pictures(2)}
    limits = Limits(bytes=1_000_000)
    path = write_zip(tmp_path / "p.zip", bomb)
    assert failures(path, limits=limits) == (2, [("a.png", "too_large")])
    changed(path, patched(0, 24, struct.pack("<L", 500_000)))
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
    data = encoded()
    failures(write_tar(tmp_path / "first.tar", {"a.png": data}))  # which loads what it needs
    for make in (write_tar, write_zip):
        path = make(tmp_path / f"p.{make.__name__[-3:]}", {f"{n}.png": data for n in range(3000)})
        tracemalloc.start()
        assert sum(1 for _ in source_of(path, Wanted())) == 3000
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < (500_000 if make is write_tar else 4_000_000)  # zipfile holds names


# Pictures elsewhere: addresses of fsspec, read ahead, and what goes wrong there.


class Odd(MemoryFileSystem):  # type: ignore[misc]
    """Files in memory behind a protocol of its own, some of which cannot be read."""

    protocol = "odd"
    store: dict[str, Any] = {}  # noqa: RUF012
    seen: list[Any] = []  # noqa: RUF012
    together: threading.Barrier | None = None
    slow = threading.Event()

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).replace("odd://", "memory://"))

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> Any:
        self.seen.append((path, start, end))
        if Odd.together is not None:
            Odd.together.wait(30)
        if "slow" in path:
            self.slow.wait(30)
        if "denied" in path:
            raise PermissionError(13, "Permission denied")
        if "broken" in path:
            raise StopIteration("the connection was reset")
        return super().cat_file(path, start, end)

    def fill(self, members: Members) -> None:
        for name, data in members.items():
            self.pipe(f"/bucket/{name}", data)


@pytest.fixture
def odd() -> Iterator[Odd]:
    fsspec.register_implementation("odd", Odd, clobber=True)
    Odd.store.clear()
    Odd.seen.clear()
    yield Odd()
    Odd.together = None


def test_folders_patterns_and_objects(odd: Odd) -> None:
    odd.fill({**pictures(4), "notes.txt": b"x", ".hidden/a.png": b"x"})
    paths = [row["path"] for row in measure("odd://bucket")]
    assert paths == [f"odd:///bucket/{name}" for name in pictures(4)]
    assert [row["path"] for row in measure("odd://bucket/a/*")] == paths[:2]
    assert [row["path"] for row in measure("odd://bucket/a/00.png")] == ["odd://bucket/a/00.png"]
    views = profile_images("odd://bucket/", segment_by={"f": "path:^([ab])/"})
    assert {segment: view.images for segment, view in views.items()} == {"f=a": 2, "f=b": 2}
    assert profile_images("odd://bucket/**/*.png").images == 4
    seen: list[tuple[int, int]] = []
    profile_images("odd://bucket", progress=lambda *both: seen.append(both))
    assert seen == [(4, 4)]
    with pytest.raises(ValueError, match="no value 'x' in files"):
        profile_images("odd://bucket", values=["x"])
    with pytest.raises(FileNotFoundError, match="odd://none"):
        profile_images("odd://none/")


def test_failures_have_reasons_and_relative_names(odd: Odd) -> None:
    odd.fill({"a.png": encoded(), "broken.png": b"x", "denied.png": b"x", "text.png": b"x" * 99})
    view = profile_images("odd://bucket/")
    assert view.images == 1
    assert [(failure.path, failure.reason) for failure in view.failures] == [
        ("broken.png", "unreadable"), ("denied.png", "unreadable"), ("text.png", "unsupported")
    ]  # fmt: skip
    assert view.failures[0].detail == "StopIteration: the connection was reset"
    (row,) = measure("odd://bucket/gone.png")
    assert row["failure"] == "vanished"
    assert profile_images(["odd://bucket/gone.tar", "odd://bucket/a.png"]).images == 1


def test_objects_that_are_too_large_are_not_fetched(odd: Odd) -> None:
    odd.fill({"a.png": encoded(), "b.png": bytes(10_000)})
    limits = Limits(bytes=5000)
    (failure,) = profile_images("odd://bucket/", limits=limits).failures
    assert failure.reason == "too_large"
    assert not any("b.png" in str(path) for path, *_ in Odd.seen)
    (failure,) = profile_images("odd://bucket/b.png", limits=limits).failures
    assert (failure.reason, failure.detail) == ("too_large", "more than 5000 bytes")


def test_blocks_are_fetched_before_their_turn_within_a_bound(odd: Odd) -> None:
    """Eight reads have to be under way at once, or none of them ends."""
    Odd.together = threading.Barrier(8)
    ahead = list[int]()

    def metric(image: Any) -> None:
        ahead.append(len(Odd.seen) - len(ahead) // 16 * 16)  # the ended blocks
        time.sleep(0.001)

    odd.fill({f"{number:03}.png": encoded() for number in range(160)})
    assert profile_images("odd://bucket/", workers=1, metrics=metric).images == 160
    assert 16 < max(ahead) <= 64  # four blocks


def test_who_ends_a_run_does_not_wait_for_what_is_fetched(odd: Odd) -> None:
    odd.fill({f"{number:02}{'slow' * (number > 15)}.png": encoded() for number in range(32)})
    rows = measure("odd://bucket/", workers=1)
    next(rows)
    begun = time.monotonic()
    rows.close()
    assert time.monotonic() - begun < 20
    Odd.slow.set()


def test_only_a_few_objects_are_read_ahead() -> None:
    large = [
        Item(str(n), RemotePart("odd://bucket/1.png", told))
        for told in (None, 30 << 20)
        for n in range(8)
    ]
    assert [len(block) for block in blocks(large)] == [9, 2, 2, 2, 1]


def test_a_stream_of_unknown_size_cannot_seek() -> None:
    for size in (None, 3):
        file = SimpleNamespace(seekable=lambda: True, size=size)
        assert _Reported(file).seekable() == (size == 3)


@pytest.mark.parametrize("size", [0, 1, None, 10**6])
def test_an_object_that_changed_since_it_was_listed(odd: Odd, size: int | None) -> None:
    """It is measured as it is; one that was empty is not asked for, as stores refuse that."""
    odd.fill({"a.png": encoded()})
    ((item,),) = loaded([Item("a", RemotePart("odd://bucket/a.png", size))], Limits())
    assert item.data == (b"" if size == 0 else encoded())


def test_what_is_elsewhere_names_nothing_of_this_machine(odd: Odd, tmp_path: Path) -> None:
    local = tmp_path / "secret.png"
    local.write_bytes(encoded())
    named = [str(local), f"file://{local}", f"local://{local}", f"simplecache::file://{local}"]
    named += ["../../../up.png", "../up.png", "a.png", "odd://bucket/a.png"]
    listed = "\n".join(["path", *named])
    odd.fill(dict.fromkeys(("a.png", "up.png", "sub/a.png"), encoded()))
    odd.fill({"sub/m.csv": listed.encode()})
    view = profile_images("odd://bucket/sub/m.csv")
    assert [failure.reason for failure in view.failures] == ["unreadable"] * 5
    assert view.images == 3
    (tmp_path / "m.csv").write_text(listed)
    assert profile_images(tmp_path / "m.csv").images == 5  # a local one may name anything


def test_what_is_secret_in_an_address_is_not_shown() -> None:
    url = "https://user:word@host:8/a/b.tar?X-Amz-Signature=secret#x"
    assert shown_url(url) == "https://host:8/a/b.tar"
    assert shown_url("s3://bucket/a?b.jpg") == "s3://bucket/a?b.jpg"
    assert shown_url("sftp://me:word@host/a:b@c.png") == "sftp://me@host/a:b@c.png"
    assert shown_url("abfs://box@account.net/a.png") == "abfs://box@account.net/a.png"
    assert shown_url(f"zip://a.png::simplecache::{url}") == (
        "zip://a.png::simplecache::https://host:8/a/b.tar"
    )
    said = without_secrets(f"got 403 of URL('{url}') and ftp://me:word@host/x")
    assert said == "got 403 of URL('https://host:8/a/b.tar') and ftp://me@host/x"
    assert is_url(url)
    assert is_url("zip://a.png::s3://bucket/a.zip")
    assert not any(map(is_url, ("a/b.png", "C:\\a", "://x", "a b://c", Path("s3://a"), None)))
