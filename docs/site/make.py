"""Build the site: ``python docs/site/make.py FOLDER``, with the extra `docs`.

The pages are first copied to a temporary folder, where their links are adapted and their drawn
blocks are expanded.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from expanding import expanded

HERE = Path(__file__).parent
DOCS = HERE.parent
ROOT = DOCS.parent
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)(?=[)#])")
ENTRY = re.compile(r"^\| \[[^]]*\]\(([^)#]+)\)")
HEADING = re.compile(r"^## (.*)")
UNSEARCHED = "---\nno-search: true\n---\n"  # the search finds the title only


def contents() -> dict[str, list[Path]]:
    """Return the pages below each heading of docs/README.md, which is the table of contents."""
    below: dict[str, list[Path]] = {}
    heading = ""
    for line in (DOCS / "README.md").read_text(encoding="utf-8").splitlines():
        if match := HEADING.match(line):
            heading = match[1]
        elif match := ENTRY.match(line):
            below.setdefault(heading, []).append((DOCS / match[1]).resolve())
    return below


def name_of(page: Path) -> str:
    """Return the name of a page in the site: a README is named by its folder."""
    if page == DOCS / "README.md":
        return "index"
    return (page.parent.name if page.stem == "README" else page.stem).lower()


def stage(folder: Path) -> None:
    """Write all sources of the site into a folder."""
    below = contents()
    pages = {DOCS / "README.md", *(page for pages in below.values() for page in pages)}
    for page in sorted(pages):
        text = expanded(page.read_text(encoding="utf-8"), name_of(page), folder)
        text = LINK.sub(lambda match, at=page: linked(at, match[1], pages, folder), text)
        if name_of(page) == "index":
            text += "".join(trees())
        if page in below["Inside"]:
            text = UNSEARCHED + text
        (folder / f"{name_of(page)}.md").write_text(text, encoding="utf-8")
    for name in ("conf.py", "site.css", "favicon.svg"):
        shutil.copy(HERE / name, folder)


def linked(page: Path, link: str, pages: set[Path], folder: Path) -> str:
    """Return the target of a link in the site: a page, or a file copied beside the pages."""
    if (folder / link).is_file():  # drawn
        return link
    target = (page.parent / link).resolve()
    if target in pages:
        return f"{name_of(target)}.md"
    if not target.is_file():
        raise FileNotFoundError(f"{page.name}: {link}: neither a page of docs/README.md nor a file")
    shutil.copy(target, folder)
    return target.name


def trees() -> Iterator[str]:
    """Yield the table of contents as Sphinx needs it."""
    for heading, pages in contents().items():
        names = "\n".join(name_of(page) for page in pages)
        yield f"\n```{{toctree}}\n:hidden:\n:caption: {heading}\n\n{names}\n```\n"


def main() -> int:
    """Build the site; a warning is an error."""
    from sphinx.cmd.build import build_main

    with tempfile.TemporaryDirectory() as folder:
        stage(Path(folder))
        return build_main(["-q", "-W", "--keep-going", "-n", "-E", folder, sys.argv[1]])


if __name__ == "__main__":
    sys.exit(main())
