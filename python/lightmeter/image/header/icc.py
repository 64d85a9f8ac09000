"""The description of an ICC colour profile, such as "sRGB IEC61966-2.1"."""

import struct

__all__ = ["profile_description"]

_MAX_TAGS = 100
_MAX_CHARACTERS = 128


def profile_description(profile: bytes) -> str | None:
    """Return the text of the profile's ``desc`` tag, 128 characters at most; None without one.

    The profile may be cut off after the part that holds it. ICC.1:2022, 7.2 to 7.3: a header of
    128 bytes, a count, then per tag a signature, an offset and a size.
    """
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        for index in range(min(count, _MAX_TAGS)):
            name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
            if name == b"desc":
                return _text(profile[offset : offset + size])
    except struct.error:
        pass
    return None


def _text(data: bytes) -> str | None:
    if data[:4] == b"desc":  # version 2: a length, then ASCII
        (size,) = struct.unpack_from(">I", data, 8)
        text = data[12 : 12 + min(size, _MAX_CHARACTERS)].decode("latin-1")
    elif data[:4] == b"mluc":  # version 4: of several languages, the first
        size, offset = struct.unpack_from(">II", data, 20)
        text = data[offset : offset + 2 * min(size // 2, _MAX_CHARACTERS)].decode(
            "utf-16-be", "replace"
        )
    else:
        return None
    return text.split("\0", 1)[0].strip() or None
