"""Pictures elsewhere: addresses of fsspec, read ahead, and what goes wrong there."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from lightmeter import Limits, measure, profile_images
from lightmeter.batch.block import blocks
from lightmeter.batch.fetching import loaded
from lightmeter.batch.sources.item import Item, RemotePart
from lightmeter.batch.sources.names import is_url, shown_url, without_secrets
from shards import encoded, pictures


class Odd(MemoryFileSystem):  # type: ignore[misc]
    """Files in memory behind a protocol of its own, some of which cannot be read."""

    protocol = "odd"
    store: dict[str, Any] = {}  # noqa: RUF012
    seen: list[Any] = []  # noqa: RUF012
    together: threading.Barrier | None = None

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).replace("odd://", "memory://"))

    def cat_file(
        self, path: str, start: int | None = None, end: int | None = None, **_: Any
    ) -> Any:
        self.seen.append((path, start, end))
        if Odd.together is not None:
            Odd.together.wait(30)
        if "denied" in path:
            raise PermissionError(13, "Permission denied")
        if "broken" in path:
            raise RuntimeError("the connection was reset")
        return super().cat_file(path, start, end)


@pytest.fixture
def odd() -> Iterator[Odd]:
    fsspec.register_implementation("odd", Odd, clobber=True)
    Odd.store.clear()
    Odd.seen.clear()
    yield Odd()
    Odd.together = None


def fill(odd: Odd, **files: bytes) -> None:
    for name, data in files.items():
        odd.pipe(f"/bucket/{name.replace('__', '/')}", data)


def test_folders_patterns_and_objects(odd: Odd) -> None:
    for name, data in {**pictures(4), "notes.txt": b"x", ".hidden/a.png": b"x"}.items():
        odd.pipe(f"/bucket/{name}", data)
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
    fill(odd, **{"a.png": encoded(), "broken.png": b"x", "denied.png": b"x", "text.png": b"x" * 99})
    view = profile_images("odd://bucket/")
    assert view.images == 1
    assert [(failure.path, failure.reason) for failure in view.failures] == [
        ("broken.png", "unreadable"), ("denied.png", "unreadable"), ("text.png", "unsupported")
    ]  # fmt: skip
    assert view.failures[0].detail == "RuntimeError: the connection was reset"
    (row,) = measure("odd://bucket/gone.png")
    assert row["failure"] == "vanished"
    assert profile_images(["odd://bucket/gone.tar", "odd://bucket/a.png"]).images == 1


def test_objects_that_are_too_large_are_not_fetched(odd: Odd) -> None:
    fill(odd, **{"a.png": encoded(), "b.png": bytes(10_000)})
    limits = Limits(bytes=5000)
    (failure,) = profile_images("odd://bucket/", limits=limits).failures
    assert failure.reason == "too_large"
    assert not any("b.png" in str(path) for path, *_ in Odd.seen)
    (failure,) = profile_images("odd://bucket/b.png", limits=limits).failures
    assert (failure.reason, failure.detail) == ("too_large", "more than 5000 bytes")


def test_reads_overlap(odd: Odd) -> None:
    """Eight reads have to be under way at once, or none of them ends."""
    for number in range(16):
        odd.pipe(f"/bucket/{number:02}.png", encoded(number))
    Odd.together = threading.Barrier(8)
    assert profile_images("odd://bucket/", workers=1).images == 16


def test_only_a_few_objects_are_read_ahead() -> None:
    large = [
        Item(str(n), RemotePart("odd://bucket/1.png", told))
        for told in (None, 9 << 20)
        for n in range(8)
    ]
    assert [len(block) for block in blocks(large)] == [4, 4, 2, 2, 2, 2]


@pytest.mark.parametrize("size", [0, 1, None, 10**6])
def test_an_object_that_changed_since_it_was_listed(odd: Odd, size: int | None) -> None:
    """It is measured as it is; one that was empty is not asked for, as stores refuse that."""
    fill(odd, **{"a.png": encoded()})
    (item,) = loaded([Item("a", RemotePart("odd://bucket/a.png", size))], Limits())
    assert item.data == (b"" if size == 0 else encoded())


def test_what_is_elsewhere_names_nothing_of_this_machine(odd: Odd, tmp_path: Path) -> None:
    local = tmp_path / "secret.png"
    local.write_bytes(encoded())
    named = [str(local), f"file://{local}", f"local://{local}", f"simplecache::file://{local}"]
    named += ["../../../up.png", "../up.png", "a.png", "odd://bucket/a.png"]
    fill(odd, **{"a.png": encoded(), "up.png": encoded()})
    odd.pipe("/bucket/sub/a.png", encoded())
    odd.pipe("/bucket/sub/m.csv", "\n".join(["path", *named]).encode())
    view = profile_images("odd://bucket/sub/m.csv")
    assert [failure.reason for failure in view.failures] == ["unreadable"] * 5
    assert view.images == 3
    (tmp_path / "m.csv").write_text("\n".join(["path", *named]))
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
