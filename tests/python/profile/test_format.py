"""The file of a profile: a reader that knows nothing but docs/format.md."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from lightmeter import Profile, ProfileView
from lightmeter.errors import DecodeError

GOLDEN = sorted((Path(__file__).parents[2] / "golden/v1").glob("*.lmp"))
PAGE = (Path(__file__).parents[3] / "docs/format.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^\| `([a-z]+)` \|", PAGE.partition("| section |")[2], re.MULTILINE)
ROLES = re.findall(r"\d+ ([a-z ]+)", PAGE.partition("are the role:")[2].partition(".")[0])


def crc32c(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "little")


def varint(file: BytesIO) -> int:
    byte = file.read(1)[0]
    return byte if byte < 128 else (byte & 127) | varint(file) << 7


def sized(file: BytesIO) -> bytes:
    return file.read(varint(file))


def sections(data: bytes) -> Iterator[tuple[str, BytesIO]]:
    file = BytesIO(data)
    head = file.read(7)
    assert (head[:6], file.read(4)) == (b"LMP\n\1\1", crc32c(head))
    for _ in range(head[6]):
        start = file.tell()
        name, body = sized(file).decode("ascii"), sized(file)
        assert file.read(4) == crc32c(data[start : file.tell() - 4])
        yield name, BytesIO(body)
    assert file.read() == b""


def with_sections(*each: bytes, head: bytes = b"LMP\n\1\1") -> bytes:
    head += bytes([len(each)])
    return head + crc32c(head) + b"".join(part + crc32c(part) for part in each)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_page_describes_the_bytes(path: Path) -> None:
    view = ProfileView.read(path)
    found = dict(sections(path.read_bytes()))
    assert list(found) == [name for name in SECTIONS if name in found]
    if at := view.dataset_timestamp:  # after 1970, so its zigzag is even
        assert at.timestamp() * 2000 == varint(found["timestamp"])
    columns, roles = found.get("columns", BytesIO(b"\0")), {}
    for _ in range(varint(columns)):
        roles |= {sized(columns).decode(): ROLES[sized(columns)[0] >> 4]}
    assert list(roles) == list(view)
    assert roles == {name: view[name].meaning.role for name in view}


def test_newer_formats() -> None:
    assert ProfileView.from_bytes(with_sections(head=b"LMP\n\2\1")) == Profile().view()
    with pytest.raises(DecodeError, match="update lightmeter"):
        ProfileView.from_bytes(with_sections(head=b"LMP\n\2\2"))
    with pytest.raises(DecodeError, match=r"section 'x': this .* update lightmeter"):
        ProfileView.from_bytes(with_sections(b"\1x\0"))
