"""What pages leave to the build.

``{drawn}`` is an expression whose value is shown: charts, pictures, tables. The samples of the page
run before it. ``{metrics}`` names files of ``cpp/src/measure/metrics/``, and ``{options}`` is the
command line; both are written as the core and the program have them.
"""

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generated import of_commands, of_metrics
from PIL import Image

GENERATED = {"{metrics}": of_metrics, "{options}": of_commands}
BLOCK = re.compile(r"^```(python|\{\w+\})([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEIGHT = 180  # of small pictures, in pixels
GAP = 8


def expanded(text: str, page: str, folder: Path) -> str:
    """The text of a page with all that it draws, which is put into the folder."""
    run = "\n```{drawn}" in text
    names: dict[str, Any] = {}
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        kind, title, block = match.groups()
        if kind == "python" and run:
            exec(compile(block, page, "exec"), names)
        elif kind in GENERATED:
            return GENERATED[kind](block.split())
        elif kind == "{drawn}":
            count += 1
            value = eval(block.strip(), names)
            return shown(value, title.strip(), folder / f"drawn-{page}-{count}")
        return match[0]

    with elsewhere():
        return BLOCK.sub(replaced, text)


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """A new folder as the working directory: samples write files."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def shown(value: Any, title: str, path: Path) -> str:
    """Markdown that shows a chart, pictures, or a table of pandas."""
    if hasattr(value, "to_html"):
        table = value.to_html(border=0, classes="docutils")
        return f"```{{raw}} html\n<div class='table-wrapper'>{table}</div>\n```"
    suffix, data = drawing(value)
    path = path.with_name(path.name + suffix)
    path.write_bytes(data)
    about = getattr(value, "description", title).replace("\n", " ")
    return f"```{{figure}} {path.name}\n:class: drawn\n:alt: {about}\n\n{title}\n```"


def drawing(value: Any) -> tuple[str, bytes]:
    """A chart as SVG, one picture or a row of pictures as PNG."""
    if hasattr(value, "svg"):
        return ".svg", value.svg().encode()
    pictures = [large(picture) for picture in (value if isinstance(value, list) else [value])]
    width = sum(picture.width + GAP for picture in pictures) - GAP
    row = Image.new("RGB", (width, max(picture.height for picture in pictures)), "white")
    left = 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width + GAP
    buffer = io.BytesIO()
    row.save(buffer, "PNG", optimize=True)
    return ".png", buffer.getvalue()


def large(picture: Image.Image) -> Image.Image:
    """A picture of few pixels, each as a square."""
    times = max(1, HEIGHT // picture.height)
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
