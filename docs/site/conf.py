"""Configuration of Sphinx. `make.py` copies this file beside the pages."""

import builtins
import re
from typing import Any

from lightmeter import __version__

CODE = re.compile(r'(?<=<span class="pre">)[^<]+')
DOT = re.compile(r"(?<=\w)[./](?=[a-zA-Z]\w{3})")  # not before an ending

project = "lightmeter"
project_copyright = "the authors of lightmeter. Licence: Apache-2.0"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
root_doc = "index"
highlight_language = "none"
smartquotes = False  # they change code in the comments of metrics
default_role = "code"  # a name in a docstring
myst_heading_anchors = 4
nitpick_ignore_regex = [("py:class", r"(?!lightmeter\.\w+$).*")]  # types that have no page
nitpick_ignore = {("py:exc", name) for name in dir(builtins)}  # which are Python's

autodoc_default_options = {"members": True}
autoclass_content = "both"  # parameters are in the docstring of the constructor
autodoc_member_order = "bysource"
autodoc_typehints = "description"  # in the signature all options would take a page
autodoc_typehints_description_target = "documented_params"
napoleon_attr_annotations = False
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = "lightmeter"
html_favicon = "favicon.svg"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False


def setup(app: Any) -> None:
    """Adapt the extensions to our docstrings."""
    app.connect("autodoc-process-docstring", hide_colon, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", show_colon, priority=600)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("html-page-context", make_reachable, priority=900)  # after furo


def hide_colon(_app: Any, what: str, _name: str, _of: Any, _options: Any, lines: Any) -> None:
    """Hide colons in the first line of a property; napoleon takes text before one for a type."""
    if what in ("property", "attribute") and lines:
        lines[0] = lines[0].replace(":", "\0")


def show_colon(_app: Any, _what: str, _name: str, _of: Any, _options: Any, lines: Any) -> None:
    """Restore the colons that `hide_colon` hid; drop Python's words on making named tuples."""
    kept = (line for line in lines if not line.startswith("Create new instance of "))
    lines[:] = [line.replace("\0", ":") for line in kept]


def skip_field(_app: Any, _what: str, _name: str, member: Any, skip: bool, _options: Any) -> bool:
    """Leave out fields of named tuples, which the docstring of the class describes."""
    return skip or type(member).__name__ == "_tuplegetter"


def make_reachable(_app: Any, _page: str, _template: str, context: Any, _tree: Any) -> None:
    """Let keyboards scroll wide blocks, and give the headings in the sidebar a level.

    Long names may also break after their dots. Options are not broken.
    """
    body = CODE.sub(lambda code: DOT.sub(r"\g<0><wbr>", code[0]), context.get("body", ""))
    body = body.replace('<span class="pre">--', '<span class="pre option">--')
    for tag, wide in (("pre", "<pre"), ("div", '<div class="table-wrapper')):
        body = body.replace(wide, wide.replace(f"<{tag}", f'<{tag} tabindex="0"'))
    context["body"] = body
    tree = context.get("furo_navigation_tree", "")
    context["furo_navigation_tree"] = tree.replace(
        'role="heading"', 'role="heading" aria-level="2"'
    )
