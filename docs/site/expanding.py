"""Expanding the blocks of a page that the build fills.

``{drawn}`` is an expression whose value is shown: a chart, images or a table. The samples of the
page run before it, and their output is shown below them. ``{metrics}`` lists the metrics in files
of ``cpp/measure/metrics/``, and ``{options}`` the options of the command line.
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
PRINTED = "```{code-block} text\n:class: printed"
HEIGHT = 180  # of small images, in pixels


def expanded(text: str, page: str, folder: Path) -> str:
    """Return the text of a page, and write the images that it draws into the folder."""
    run = "\n```{drawn}" in text
    names: dict[str, Any] = {}
    count = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal count
        kind, title, block = match.groups()
        if kind == "python" and run:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(block, page, "exec"), names)
            if printed.getvalue():
                return f"{match[0]}\n\n{PRINTED}\n\n{printed.getvalue()}```"
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
    """Change to a new working directory, because samples write files."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def shown(value: Any, title: str, path: Path) -> str:
    """Return Markdown that shows a chart, images, or a table of pandas."""
    if hasattr(value, "to_html"):
        table = value.to_html(border=0, classes="docutils")
        return f'```{{raw}} html\n<div class="table-wrapper">{table}</div>\n```'
    if hasattr(value, "svg"):
        path.with_name(f"{path.name}.svg").write_text(value.svg(), encoding="utf-8")
        about = value.description.replace("\n", " ")
        return f"```{{figure}} {path.name}.svg\n:alt: {about}\n\n{title}\n```"
    images = []
    for number, image in enumerate(value if isinstance(value, list) else [value], 1):
        name = f"{path.name}-{number}.png"
        path.with_name(name).write_bytes(png(image))
        images.append(f"![{title} ({number})]({name})")
    return f"```{{container}} images\n{' '.join(images)}\n\n{title}\n```"


def png(image: Image.Image) -> bytes:
    """Return an image as a PNG file; a small image is enlarged without smoothing."""
    times = max(1, HEIGHT // image.height)
    size = image.width * times, image.height * times
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.NEAREST).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
