"""A page around its content: offline, without a script, under a strict content policy."""

import base64
import hashlib
from functools import cache
from importlib import resources

from lightmeter._core import __version__
from lightmeter.viz.text import escape

__all__ = ["document"]


def document(title: str, body: str) -> str:
    """The HTML document.

    Args:
        title: plain text, of anybody.
        body: HTML in which everything foreign has been escaped.
    """
    style, policy = _style()
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title>"
        f"<style>{style}</style></head>\n<body>\n{body}\n"
        f'<footer class="quiet"><p>lightmeter {escape(__version__)}</p></footer></body></html>\n'
    )


@cache
def _style() -> tuple[str, str]:
    """The style, and the policy that allows it and nothing else but pictures within the page."""
    style = resources.files("lightmeter.viz").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return style, (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
