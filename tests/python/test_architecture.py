"""Layers point down only; the package is what it says it is."""

import ast
import graphlib
import importlib.metadata
import re
from pathlib import Path

import lightmeter
import pytest

ROOT = Path(__file__).parents[2]

# What each folder of the core may include besides itself and the headers every layer shares.
BELOW = {
    "kernels": set(),
    "wire": set(),
    "measure": {"kernels"},
    "sketch": {"kernels", "wire"},
    "profile": {"measure", "sketch", "wire"},
    "drift": {"sketch"},
}
# Headers every layer shares.
GROUND = {"error.hpp", "nan.hpp", "pixels.hpp", "wire.hpp"}
INCLUDE = re.compile(r'#include "(?:lightmeter/)?([\w/.]+)"')


def core_files(layer: str) -> list[Path]:
    folders = ROOT / "cpp/include/lightmeter" / layer, ROOT / "cpp/src" / layer
    return [file for folder in folders for file in folder.glob("*") if file.is_file()]


@pytest.mark.parametrize("layer", BELOW)
def test_core_layers_point_down(layer: str) -> None:
    files = core_files(layer)
    assert files
    for file in files:
        for included in INCLUDE.findall(file.read_text()):
            top = included.split("/")[0]
            allowed = {layer, *GROUND} | BELOW[layer]
            assert top in allowed, f"{file.name} includes {included}"


def test_no_circle_between_files_of_the_core() -> None:
    """A header and the source of its name are one file."""
    roots = [ROOT / "cpp" / folder for folder in ("include/lightmeter", "src", "bindings")]
    files = {
        path: str(path.relative_to(root).with_suffix(""))
        for root in roots
        for path in root.rglob("*.?pp")
    }
    graph: dict[str, set[str]] = {name: set() for name in files.values()}
    for path, name in files.items():
        included = {item.rsplit(".", 1)[0] for item in INCLUDE.findall(path.read_text())}
        graph[name] |= (included & graph.keys()) - {name}
    graphlib.TopologicalSorter(graph).prepare()


def test_the_core_knows_no_python() -> None:
    for folder in ("cpp/include", "cpp/src"):
        for file in (ROOT / folder).rglob("*.?pp"):
            assert not re.search(r"pybind11|Python\.h|numpy", file.read_text()), file


# Lowest first: a module may import modules of its own row and of lower ones.
PYTHON_LAYERS = [
    {"_core", "errors", "files", "limits", "paths", "plugins", "quiet", "thumbnail"},
    {"arrays", "encoded", "failure", "header", "meter", "sketch", "testing"},
    {"exif"},
    {"images", "values"},
    {"profile"},
    {"log", "batch"},
    {"drift", "viz"},
    {"demo", "monitor"},
    {"__init__"},
    {"cli"},
    {"__main__"},
]


def imported_modules(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            top, _, rest = node.module.partition(".")
            if top == "lightmeter":
                found |= {rest.split(".")[0]} if rest else {alias.name for alias in node.names}
    return found


def test_python_modules_point_down() -> None:
    package = ROOT / "python/lightmeter"
    rank = {name: row for row, names in enumerate(PYTHON_LAYERS) for name in names}
    for file in package.rglob("*.py"):
        module = file.relative_to(package).parts[0].removesuffix(".py")
        assert module in rank, f"{module} has no place in PYTHON_LAYERS"
        for other in imported_modules(file) & rank.keys():
            assert rank[other] <= rank[module], f"{module} imports {other}"


def test_public_names_exist_and_are_documented() -> None:
    for name in lightmeter.__all__:
        assert name == "__version__" or getattr(lightmeter, name).__doc__, name


def test_the_version_is_that_of_the_package() -> None:
    assert lightmeter.__version__ == importlib.metadata.version("lightmeter")


def test_importing_is_light() -> None:
    """Only NumPy and Pillow are loaded, and nothing that only some calls need."""
    import subprocess
    import sys

    code = "import sys, lightmeter; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"pandas", "typer", "rich", "scipy", "difflib", "asyncio"} & set(loaded)
