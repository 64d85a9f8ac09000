"""PNG files of every form, and damaged ones, for the decoder of our own."""

import io
import random
import struct
import zlib
from collections.abc import Mapping, Sequence

from bad_files import mutated
from lightmeter import ImageMeter, Reading
from lightmeter.image.decoders import measure_png
from lightmeter.quiet import quiet
from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FORMS = [(d, c) for c, depths in {
    0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)
}.items() for d in depths]  # fmt: skip
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
READING = Reading(metrics="camera")  # with a hash of all pixels

Chunk = tuple[bytes, bytes]  # name and body
Answer = tuple[str, Mapping[str, float | str]] | None  # mode and numbers


def chunk(name: bytes, body: bytes) -> bytes:
    crc = zlib.crc32(name + body)
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)


def written(chunks: Sequence[Chunk]) -> bytes:
    return SIGNATURE + b"".join(chunk(*each) for each in chunks)


def header(width: int, height: int, depth: int, colour: int, rest: bytes = b"\0\0\0") -> Chunk:
    return b"IHDR", struct.pack(">IIBB", width, height, depth, colour) + rest


def rows(
    width: int, height: int, depth: int, colour: int, numbers: random.Random, filters: str = "01234"
) -> bytes:
    """Coded rows. Any bytes are pixels, whatever the filter, unless a palette is short."""
    size = (width * depth * SAMPLES[colour] + 7) // 8
    return b"".join(
        bytes([int(numbers.choice(filters))]) + numbers.randbytes(size) for _ in range(height)
    )


def cut(data: bytes, size: int) -> list[Chunk]:
    """The data in IDAT chunks of a size."""
    return [(b"IDAT", data[at : at + size]) for at in range(0, len(data), size)]


def file_of(
    width: int,
    height: int,
    depth: int,
    colour: int,
    seed: int = 0,
    *,
    filters: str = "01234",
    level: int = 1,
) -> bytes:
    numbers = random.Random(seed)
    data = zlib.compress(rows(width, height, depth, colour, numbers, filters), level)
    palette = [(b"PLTE", numbers.randbytes(3 << depth))] if colour == 3 else []
    pixels = cut(data, 1 << 16)
    return written([header(width, height, depth, colour), *palette, *pixels, (b"IEND", b"")])


def ours(file: bytes, reading: Reading = READING) -> Answer:
    """What our decoder makes of a file; None if it leaves it to Pillow."""
    try:
        with quiet(), Image.open(io.BytesIO(file)) as image:
            meter = measure_png(file, image, reading)
    except Exception:
        return None
    return None if meter is None else (meter.mode, meter.measurement())


def pillows(file: bytes, reading: Reading = READING) -> Answer:
    """What Pillow makes of it; None if it raises."""
    try:
        with quiet(), Image.open(io.BytesIO(file)) as image:
            image.load()
            meter = ImageMeter._new(reading, image.size, 1)
            meter.update(image)
    except Exception:
        return None
    return meter.mode, meter.measurement()


def damaged(chunks: list[Chunk], numbers: random.Random) -> bytes:
    """A file with one to three changes: to chunks with right checksums, to rows, or to bytes."""
    chunks = list(chunks)
    for _ in range(numbers.choice((1, 1, 2, 3))):
        at, other = numbers.randrange(len(chunks)), numbers.randrange(len(chunks))
        name, body = chunks[at]
        match numbers.randrange(6):
            case 0:  # again, or elsewhere
                chunks.insert(other, chunks[at])
            case 1 if len(chunks) > 1:
                del chunks[at]
            case 2:
                chunks[at] = (numbers.choice(NAMES), body)
            case 3 if body:
                chunks[at] = (name, mutated(body, numbers))
            case 4:
                chunks = _with_other_rows(chunks, numbers)
            case _:
                return mutated(written(chunks), numbers)
    return written(chunks)


NAMES = [
    b"IDAT", b"IEND", b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"iCCP",
    b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"tIME", b"bKGD", b"x_1y",
    b"aB\0c", b"JDAT", b"DDAT",
]  # fmt: skip


def _with_other_rows(chunks: list[Chunk], numbers: random.Random) -> list[Chunk]:
    """The inflated rows changed and deflated again, or what is deflated."""
    data = b"".join(body for name, body in chunks if name == b"IDAT")
    try:
        inflated = zlib.decompress(data)
    except zlib.error:
        return chunks
    if inflated and numbers.random() < 0.8:
        data = zlib.compress(mutated(inflated, numbers), numbers.choice((0, 1, 9)))
    else:
        data = mutated(data, numbers)
    first = next(at for at, each in enumerate(chunks) if each[0] == b"IDAT")
    rest = [each for each in chunks[first:] if each[0] != b"IDAT"]
    return [*chunks[:first], *cut(data, numbers.choice((1, 7, 8192))), *rest]


def extras(numbers: random.Random) -> list[Chunk]:
    """Chunks that files have beside those of their pixels; some are wrong."""
    text = zlib.compress(numbers.randbytes(20))
    known = [
        (b"gAMA", b"\0\0\xb1\x8f"),
        (b"tRNS", numbers.randbytes(numbers.choice((1, 2, 6, 6, 256)))),
        (b"iCCP", b"icc\0\0" + text),
        (b"zTXt", b"key\0\0" + text),
        (b"zTXt", b"key\0\1" + text),
        (b"tEXt", b"key\0value"),
        (b"iTXt", b"key\0\0\0\0\0value"),
        (b"iTXt", b"key\0\1\0\0\0" + text),
        (b"eXIf", b"MM\0*\0\0\0\x08\0\0"),
    ]
    return numbers.sample(known, numbers.choice((0, 0, 1, 2)))


def random_chunks(numbers: random.Random) -> list[Chunk]:
    """A small picture of any form, as chunks."""
    depth, colour = numbers.choice(FORMS)
    width, height = numbers.randrange(1, 24), numbers.randrange(1, 14)
    coded = rows(width, height, depth, colour, numbers)
    interlaced = b"\0\0\1" if numbers.random() < 0.1 else b"\0\0\0"
    entries = numbers.choice((1 << depth, 1 << depth, numbers.randrange(1, (1 << depth) + 1)))
    palette = [(b"PLTE", numbers.randbytes(3 * entries))] if colour == 3 else []
    return [
        header(width, height, depth, colour, interlaced),
        *palette,
        *extras(numbers),
        *cut(zlib.compress(coded, numbers.choice((0, 1, 6))), numbers.choice((1, 50, 8192))),
        *(extras(numbers) if numbers.random() < 0.3 else []),
        (b"IEND", b""),
    ]
