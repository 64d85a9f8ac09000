"""A reader of `.lmp` files, written from docs/format.md alone. It imports nothing of ours."""

import struct
from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Any

ROLES = (
    *("plain", "category", "date", "angle spread", "linear angle", "angle", "pixels"),
    *("angle pixels", "failure", "hash", "vector"),
)
ORIGINS = ("value", "image", "exif", "personal exif")
MOST = (1 << 64) - 1


class RefusedError(ValueError):
    """The bytes break a rule of the page."""


def need(holds: bool, why: str) -> None:
    if not holds:
        raise RefusedError(why)


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def mix(hashed: int, value: int) -> int:
    x = ((hashed ^ value) + 0x9E3779B97F4A7C15) & MOST
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MOST
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MOST
    return x ^ x >> 31


def hash_of(text: str) -> int:
    hashed = mix(0, len(text.encode()))
    for byte in text.encode():
        hashed = mix(hashed, byte)
    return hashed


class Bytes:
    """Bytes, and how many of them were read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        need(size <= len(self.data) - self.at, "the bytes end early")
        self.at += size
        return self.data[self.at - size : self.at]

    def numbers(self, kind: str, count: int) -> list[Any]:
        """Fixed numbers by the letter that `struct` has for them."""
        return list(struct.unpack(f"<{count}{kind}", self.take(count * struct.calcsize(kind))))

    def u8(self) -> int:
        return self.take(1)[0]

    def u64(self) -> int:
        return int.from_bytes(self.take(8), "little")

    def varint(self) -> int:
        value = shift = 0
        while (byte := self.u8()) > 127:
            value, shift = value | (byte & 127) << shift, shift + 7
        need(shift == 0 or byte > 0, "a longer number than needed")
        need((value := value | byte << shift) <= MOST, "more than 64 bits")
        return value

    def zigzag(self) -> int:
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def sized(self) -> bytes:
        return self.take(self.varint())

    def text(self) -> str:
        return self.sized().decode()

    def list_of(self, *parts: Callable[[], Any]) -> list[Any]:
        """The items of a list; of several parts each is a tuple."""
        count = self.varint()
        return [parts[0]() if len(parts) == 1 else tuple(p() for p in parts) for _ in range(count)]

    def by(self, *parts: Callable[[], Any]) -> dict[Any, Any]:
        """A list by the first part of its items. As Python compares texts, so do their bytes."""
        items = self.list_of(*parts)
        need(all(a[0] < b[0] for a, b in pairwise(items)), "keys do not rise")
        return {key: rest[0] if len(rest) == 1 else rest for key, *rest in items}

    def packed(self, count: int) -> list[int]:
        if count == 0:
            return []
        need((low := self.u8()) <= 63, "r is above 63")
        bits = "".join(f"{byte:08b}"[::-1] for byte in self.data[self.at :])
        values, at = [], 0
        for _ in range(count):
            end = bits.find("0", at, at + 24)  # -1 behind 24 ones
            start, width = (at + 24, 64) if end < 0 else (end + 1, low)
            value = int(bits[start : start + width][::-1] or "0", 2)
            values.append(value if end < 0 else end - at << low | value)
            at = start + width
            need(at <= len(bits), "the bits end early")
        need("1" not in bits[at : (at + 7) // 8 * 8], "bits behind the last number")
        self.take((at + 7) // 8)
        return values

    def sorted_numbers(self, count: int, step: int = 1) -> list[float]:
        if count == 0:
            return []
        head = self.u8()
        width, zeros = 32 if head & 128 else 64, head & 127
        first = int.from_bytes(self.take((width - zeros + 7) // 8), "little")
        steps = [each + step for each in self.packed(count - 1)]
        kinds, top = ("If" if width == 32 else "Qd"), 1 << width - 1
        keys = [key << zeros for key in accumulate([first, *steps])]
        bits = [key ^ top if key & top else key ^ 2 * top - 1 for key in keys]
        return list(struct.unpack(f"<{count}{kinds[1]}", struct.pack(f"<{count}{kinds[0]}", *bits)))


def moments(file: Bytes) -> tuple[int, float, float]:
    n = file.varint()
    return (n, *file.numbers("d", 2)) if n else (0, 0.0, 0.0)


def quantiles(file: Bytes) -> dict[str, Any]:
    form = file.u8()
    apart = [file.varint() for _ in range(3)] if form & 4 else [0, 0, 0]
    found: dict[str, Any] = dict(zip(("nan", "pos_inf", "neg_inf"), apart, strict=True))
    found["n"] = n = file.varint()
    found["all"] = n + sum(apart)
    if form & 3 == 0:
        return found | {"values": dict.fromkeys(file.sorted_numbers(n), 1)}
    if form & 3 == 2:
        numbers = file.sorted_numbers(different := file.varint())
        times = [more + 1 for more in file.packed(different)]
        return found | {"values": dict(zip(numbers, times, strict=True))}
    need(form & 3 == 1, "an unknown form")
    found |= {"key": file.u64(), "coins": file.varint()}
    bounds = zip(("variance", "fixed", "least", "greatest"), file.numbers("d", 4), strict=True)
    levels = file.varint()
    found |= {**dict(bounds), "paired": file.varint(), "odd": file.varint()}
    weights: dict[float, int] = {}
    for level in range(levels):
        for value in file.sorted_numbers(file.varint(), step=0):
            weights[value] = weights.get(value, 0) + (1 << level)
    return found | {"weights": weights}


def distinct(file: Bytes) -> dict[str, Any]:
    form = file.u8()
    bounds = file.numbers("d", 3) if form & 2 else None
    if form & 1:
        least = file.u8()
        return {"bounds": bounds, "registers": [least + more for more in file.packed(4096)]}
    return {"bounds": bounds, "hashes": list(accumulate(file.packed(file.varint())))}


def frequent(file: Bytes, value: Callable[[], Any]) -> dict[str, Any]:
    n, floor = file.varint(), file.varint()
    items = file.by(value, file.varint, file.varint if floor else lambda: 0)
    return {"n": n, "floor": floor, "items": items}


def column(file: Bytes) -> dict[str, Any]:
    head = file.u8()
    need(head >> 4 < len(ROLES), "an unknown role")
    found: dict[str, Any] = {"origin": ORIGINS[head & 3], "role": ROLES[head >> 4]}
    found["missing"] = file.varint()
    if head & 4:
        found |= {name: file.varint() for name in ("integers", "bools", "dates")}
        found["quantiles"] = numbers = quantiles(file)
        if "weights" in numbers:
            found |= {"moments": moments(file), "distinct": distinct(file)}
            if found["integers"] == numbers["all"]:
                found["frequent integers"] = frequent(file, file.zigzag)
    if head & 8:
        found["strings"] = frequent(file, file.text)
        if found["strings"]["floor"]:
            found["distinct strings"] = distinct(file)
        if found["role"] == "hash":
            found["paths"] = [file.text() for _ in found["strings"]["items"]]
    return found


def images(file: Bytes) -> tuple[int, dict[Any, int]]:
    def policy() -> tuple[tuple[str, ...], ...]:
        return tuple(file.list_of(file.text)), tuple(file.list_of(file.text))

    return file.varint(), file.by(policy, file.varint)


def exemplars(file: Bytes) -> dict[str, Any]:
    def values() -> list[Any]:
        return file.list_of(lambda: file.numbers("d", 1)[0], file.u64)

    found: dict[str, Any] = {"keep": file.varint()}
    found["pictures"] = file.by(file.u64, file.text, file.sized)
    return found | {"random": file.list_of(file.u64), "ends": file.by(file.text, values, values)}


def rows(file: Bytes) -> dict[str, Any]:
    def table() -> tuple[tuple[str, ...], dict[int, list[float]]]:
        names = tuple(file.list_of(file.text))
        return names, file.by(file.u64, lambda: file.numbers("f", len(names)))

    return {"keep": file.varint(), "tables": dict(file.list_of(table))}


def groups(file: Bytes) -> dict[str, Any]:
    def values() -> dict[str, Any]:
        x, y = moments(file), moments(file)
        xy = file.numbers("d", 1)[0] if y[0] else 0.0
        found = {"x": x, "y": y, "xy": xy, "missing": file.varint(), "infinite": file.varint()}
        return {**found, "cells": file.by(file.varint, file.varint)}

    found: dict[str, Any] = {"halvings": file.varint(), "buckets": file.list_of(file.varint)}
    found["images"] = file.by(file.text, lambda: file.by(file.varint, lambda: images(file)))
    return found | {"values": file.by(file.text, lambda: file.by(file.varint, values))}


def covariances(file: Bytes, key: Callable[[], Any]) -> dict[str, Any]:
    def covariance() -> dict[str, Any]:
        k, n = file.varint(), file.varint()
        if n <= 64:
            kind = {4: "f", 8: "d"}[file.u8()] if n else "d"
            return {"k": k, "n": n, "rows": [file.numbers(kind, k) for _ in range(n)]}
        means, rests = file.numbers("d", k), file.numbers("d", k)
        products = file.numbers("d", k * (k + 1) // 2)
        return {"k": k, "n": n, "means": means, "rests": rests, "products": products}

    return {"others": file.varint(), "of": file.by(key, covariance)}


def vectors(file: Bytes) -> dict[str, Any]:
    return file.by(file.text, lambda: covariances(file, file.varint))


def joints(file: Bytes) -> dict[str, Any]:
    return file.by(file.text, lambda: covariances(file, lambda: tuple(file.list_of(file.text))))


BODIES: dict[str, Callable[[Bytes], Any]] = {
    "timestamp": Bytes.zigzag,
    "images": lambda file: file.by(file.text, lambda: images(file)),
    "columns": lambda file: file.by(file.text, lambda: whole(column, file.sized())),
    "failures": lambda file: file.list_of(file.sized, file.text, file.text),
    "exemplars": exemplars,
    "rows": rows,
    "groups": groups,
    "vectors": vectors,
    "joints": joints,
    "decoders": lambda file: file.list_of(file.text, file.text),
    "readings": lambda file: file.by(file.text, lambda: dict(file.list_of(file.text, file.varint))),
    "tags": lambda file: file.list_of(file.text, file.text),
}


def whole(part: Callable[[Bytes], Any], data: bytes) -> Any:
    """What some bytes are, all of them."""
    file = Bytes(data)
    found = part(file)
    need(file.at == len(data), "bytes are left")
    return found


def read(data: bytes) -> dict[str, Any]:
    """All that a file says, by section."""
    file = Bytes(data)
    need(file.take(4) == b"LMP\n", "not a profile")
    file.u8()
    need(file.u8() <= 1, "a newer reader is needed")
    count = file.u8()
    need(file.numbers("I", 1) == [crc32c(data[:7])], "the head is damaged")
    found: dict[str, Any] = {}
    for _ in range(count):
        start = file.at
        name, body = file.text(), file.sized()
        need(file.numbers("I", 1) == [crc32c(data[start : file.at - 4])], f"{name} is damaged")
        need(name in BODIES, f"an unknown section, {name}")
        found[name] = whole(BODIES[name], body)
    need(file.at == len(data), "bytes are left")
    need(list(found) == [name for name in BODIES if name in found], "sections out of order")
    return found
