"""Building HTML and SVG that escape by construction: no text can become markup."""

from collections.abc import Iterable, Iterator

from lightmeter.text import escape


class Html(str):
    """Hold HTML in which all foreign text is escaped.

    Create it with `tag` and `joined`. Operators and methods of `str` return a plain string, which
    is escaped again when it is put into a tag.
    """

    __slots__ = ()


Content = str | int | None | Iterable["Content"]

DOCTYPE = Html("<!DOCTYPE html>\n")

_VOID = frozenset({"img", "input", "meta"})  # of HTML: without an end
_EMPTY = frozenset({"path", "rect"})  # of SVG: closed at once


def tag(name: str, /, *content: Content, **attributes: str | float | None) -> Html:
    """Return an element.

    Parameters
    ----------
    name
        Name of the element.
    content
        Content: `Html` is inserted unchanged, other text and numbers are escaped, and the items of
        a collection are inserted one by one. None adds nothing.
    attributes
        Attributes by name, with ``cls`` for ``class`` and ``_`` for ``-``. Values are escaped.
        Attributes that are None are left out.

    Examples
    --------
    >>> tag("td", "a < b", cls="left")
    '<td class="left">a &lt; b</td>'
    """
    pairs = "".join(
        f' {_attribute(key)}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{pairs}>")
    if name in _EMPTY:
        return Html(f"<{name}{pairs}/>")
    return Html(f"<{name}{pairs}>{joined(content)}</{name}>")


def joined(*content: Content) -> Html:
    """Return content without an element around it; see `tag`."""
    return Html("".join(_pieces(content)))


def _pieces(content: Iterable[Content]) -> Iterator[str]:
    for part in content:
        if isinstance(part, Html):
            yield part
        elif isinstance(part, str | int):
            yield escape(part)
        elif part is not None:
            yield from _pieces(part)


def _attribute(key: str) -> str:
    return "class" if key == "cls" else key.replace("_", "-")
