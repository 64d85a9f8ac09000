"""Tags: what somebody says of a profile, such as the version of the model that its pictures met."""

from collections.abc import Mapping
from typing import Any

__all__ = ["checked_tags"]

# What the core keeps.
_MOST, _LONGEST_NAME, _LONGEST_VALUE = 64, 64, 128


def checked_tags(tags: Any) -> dict[str, str]:
    """Return tags by name.

    Raises:
        TypeError: they are no dict of strings.
        ValueError: they are more than 64, or a name or value is empty, no Unicode, or longer than
            64 and 128 bytes.
    """
    if not isinstance(tags, Mapping) or not all(
        isinstance(text, str) for pair in tags.items() for text in pair
    ):
        raise TypeError(f"tags is {tags!r}; expected a dict of strings such as {{'model': 'v7'}}")
    if len(tags) > _MOST:
        raise ValueError(f"got {len(tags)} tags; expected at most {_MOST}")
    for pair in tags.items():
        for text, most in zip(pair, (_LONGEST_NAME, _LONGEST_VALUE), strict=True):
            if not 0 < len(text.encode(errors="surrogatepass")) <= most or not text.isprintable():
                raise ValueError(
                    f"tags has the text {text!r}; expected 1 to {most} bytes of visible characters"
                )
    return dict(tags)
