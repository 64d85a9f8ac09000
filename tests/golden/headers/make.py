"""Writes the small JPEG and PNG files beside it, and facts.json: what the core says of each.

Files that are there are never written again. Read the new facts before you keep them: the first
ones were those of a reader in plain Python, and test_golden_headers.py asks Pillow and exifread.
"""

import io
import json
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from lightmeter.image.header import jpeg_frame, read_header
from PIL import Image, ImageCms, PngImagePlugin

FOLDER = Path(__file__).parent
PIXELS = np.add.outer(np.arange(16) * 9, np.arange(24) * 5)[..., None] + np.array([0, 30, 60])
PICTURE = Image.fromarray(PIXELS.astype(np.uint8))
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXIF = Image.Exif()
EXIF[0x010F] = "somebody"
BLOCK = EXIF.tobytes().removeprefix(b"Exif\0\0")


def saved(form: str, image: Image.Image = PICTURE, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def segment(marker: int, body: bytes, size: int | None = None) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2 if size is None else size) + body


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def jpegs() -> Iterator[tuple[str, bytes]]:
    for mode in ("RGB", "L", "CMYK"):
        image = PICTURE.convert(mode)
        yield mode, saved("JPEG", image, quality=75)
        yield f"{mode} progressive", saved("JPEG", image, quality=30, progressive=True)
        yield f"{mode} exif", saved("JPEG", image, quality=95, exif=EXIF)
    for quality in (1, 49, 50, 100):
        yield f"quality {quality}", saved("JPEG", quality=quality)
    for subsampling in ("4:4:4", "4:2:2"):
        yield subsampling.replace(":", ""), saved("JPEG", subsampling=subsampling)
    yield "profile", saved("JPEG", icc_profile=ICC)
    yield "comment", saved("JPEG", comment="no Exif")
    yield "two pictures", saved("MPO", save_all=True, append_images=[PICTURE.rotate(90)])

    plain = saved("JPEG", quality=75)
    start, rest = plain[:2], plain[2:]
    halves = [segment(0xE1, b"Exif\0\0" + half) for half in (BLOCK[:9], BLOCK[9:])]
    yield "exif in two segments", start + b"".join(halves) + rest
    yield "fill bytes", start + b"\xff\xff\xff" + rest
    yield "restarts in front", start + b"\xff\xd0\xff\x01" + rest
    yield "damaged pictures", start + segment(0xE2, b"MPF\0II*\0\x08\0\0\0\1") + rest
    yield "second part of a profile", start + segment(0xE2, b"ICC_PROFILE\0\2\2" + ICC) + rest
    yield "wrong size", start + segment(0xE1, b"Exif\0\0" + BLOCK, 1) + rest
    yield "size beyond the end", start + segment(0xE0, b"JFIF", 60_000)
    yield "start alone", start + b"\xff\xd9"
    yield "no tables", start + rest[rest.index(b"\xff\xc0") :]
    yield "scan first", start + b"\xff\xda\0\x08" + rest
    table = b"\x10" + bytes(range(128))
    yield "wide table", start + segment(0xDB, table) + rest[rest.index(b"\xff\xc0") :]
    frame = rest.index(b"\xff\xc0")
    for name, at, value in (
        ("JPEG-LS", 1, 0xF7), ("lossless", 1, 0xC3), ("arithmetic", 1, 0xCA), ("12 bits", 4, 12),
        ("no components", 9, 0), ("more components than there are", 9, 9),
        ("odd sampling", 11, 0x31), ("sampling of none", 14, 0),
    ):  # fmt: skip
        yield name, start + rest[: frame + at] + bytes([value]) + rest[frame + at + 1 :]


def pngs() -> Iterator[tuple[str, bytes]]:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = PICTURE.convert("I").convert(mode) if mode == "I;16" else PICTURE.convert(mode)
        yield mode.replace(";", ""), saved("PNG", image)
    yield "transparent colour", saved("PNG", transparency=(0, 30, 60))
    yield "frames", saved("PNG", save_all=True, append_images=[PICTURE.rotate(90)])
    yield "profile", saved("PNG", icc_profile=ICC)
    yield "exif", saved("PNG", exif=EXIF)
    for kind, zipped in (("plain", False), ("deflated", True)):
        text = PngImagePlugin.PngInfo()
        digits = (b"Exif\0\0" + BLOCK).hex()
        text.add_text("Raw profile type exif", f"\nexif\n  {len(BLOCK) + 6}\n{digits}\n", zipped)
        text.add_text("Comment", "no Exif", zipped)
        yield f"{kind} text", saved("PNG", pnginfo=text)
        yield f"{kind} text and exif", saved("PNG", pnginfo=text, exif=EXIF)

    plain = saved("PNG")
    head, body, end = plain[:33], plain[33:-12], plain[-12:]
    yield "exif after the pixels", head + body + chunk(b"eXIf", BLOCK) + end
    yield "exif twice", head + chunk(b"eXIf", b"MM\0*") + body + chunk(b"eXIf", BLOCK) + end
    yield "after the end", plain + chunk(b"eXIf", BLOCK)
    dot = saved("PNG", PICTURE.crop((0, 0, 1, 1)))  # its pixels are the same with interlace
    yield "interlaced", dot[:8] + chunk(b"IHDR", dot[16:28] + b"\1") + dot[33:]
    yield "unknown colour", head[:25] + b"\7" + head[26:] + body + end
    yield "damaged profile", head + chunk(b"iCCP", b"icc\0\0no zlib") + body + end
    yield "frames cut short", head + struct.pack(">I4s", 8, b"acTL") + b"\0\0"
    yield "chunk beyond the end", head + struct.pack(">I4s", 1 << 30, b"eXIf") + BLOCK
    yield "no end", head + body
    yield "head alone", head


def facts_of(data: bytes) -> dict[str, Any]:
    """Return what is read of a file: facts, Exif in hexadecimal, and the frame of a JPEG."""
    try:
        image = Image.open(io.BytesIO(data))  # which counts the pictures of a file of several
    except OSError:
        image = None
    header = read_header(io.BytesIO(data), image)
    assert header is not None
    assert not isinstance(header.exif, io.IOBase)
    exif = None if header.exif is None else header.exif.hex()
    said: dict[str, Any] = {"facts": header.facts, "exif": exif}
    if data.startswith(b"\xff\xd8"):
        frame = jpeg_frame(io.BytesIO(data))
        said["frame"] = None if frame is None else [frame[0], frame[1].hex()]
    return said


def main() -> None:
    file = FOLDER / "facts.json"
    facts = json.loads(file.read_text()) if file.exists() else {}
    for suffix, files in (("jpg", jpegs()), ("png", pngs())):
        for name, data in files:
            path = FOLDER / f"{name.replace(' ', '-')}.{suffix}"
            if path.name not in facts:
                path.write_bytes(data)
                facts[path.name] = facts_of(data)
                sys.stdout.write(f"{path.name}: {len(data)} bytes, {facts[path.name]['facts']}\n")
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(facts[name])}" for name in sorted(facts))
    file.write_text(f"{{\n{lines}\n}}\n")


if __name__ == "__main__":
    main()
