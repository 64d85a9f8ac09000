"""Layers point down only; the package is what it says it is."""

import ast
import graphlib
import importlib.metadata
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import lightmeter
import pytest
from layers import CORE_ROOMS, GROUND, ROOMS
from lightmeter import errors

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python/lightmeter"

INCLUDE = re.compile(r'#include "(?:lightmeter/)?([\w/.]+)"')


def below(room: str, rooms: dict[str, str]) -> set[str]:
    """Every room that `room` may use: those named and all below them."""
    direct = set(rooms[room].split())
    return direct.union(*(below(other, rooms) for other in direct))


@pytest.mark.parametrize("rooms", [ROOMS, CORE_ROOMS])
def test_the_table_of_rooms_has_no_circle(rooms: dict[str, str]) -> None:
    assert all(room not in below(room, rooms) for room in rooms)


def core_files(room: str) -> list[Path]:
    folders = [ROOT / "cpp/include/lightmeter" / room, ROOT / "cpp/src" / room, ROOT / "cpp" / room]
    return [file for folder in folders for file in folder.glob("*.*pp")]


@pytest.mark.parametrize("room", CORE_ROOMS)
def test_core_rooms_use_only_those_below(room: str) -> None:
    allowed = {room, *below(room, CORE_ROOMS)}
    files = core_files(room)
    assert files
    for file in files:
        for included in INCLUDE.findall(file.read_text()):
            top, *rest = included.split("/")
            assert not rest or top in allowed, f"{file.name} includes {included}"


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


def modules() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    files = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
        files[".".join(parts).removesuffix(".__init__")] = file
    return files


def imports_of(module: str, file: Path, known: dict[str, Path]) -> set[str]:
    """The modules of the package that a module imports, relatively or inside functions too."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    imported = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                base = package.split(".")[: len(package.split(".")) - node.level + 1]
                source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{source}.{alias.name}"
                imported.add(name if name in known or alias.name == "_core" else source)
    return {name for name in imported if name.startswith("lightmeter")} - {module}


def room_of(module: str) -> str:
    room = ([*module.split("."), ""])[1]
    if not room:
        return "lightmeter"
    return "ground" if room in GROUND else room


def test_rooms_use_only_those_below() -> None:
    known = modules()
    for module, file in known.items():
        room = room_of(module)
        assert room in ROOMS, f"{room} has no place in ROOMS"
        for other in imports_of(module, file, known):
            allowed = {room, *below(room, ROOMS)}
            assert room_of(other) in allowed, f"{module} imports {other}"


def circle(edges: dict[str, set[str]]) -> list[str]:
    """The nodes of some circle, in order; empty if there is none."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for other in sorted(edges.get(node, ())):
            if result := walk(other, [*way, node]):
                return result
        done.add(node)
        return []

    return next((result for node in sorted(edges) if (result := walk(node, []))), [])


def test_no_module_imports_itself_in_a_circle() -> None:
    known = modules()
    edges = {module: imports_of(module, file, known) for module, file in known.items()}
    assert not circle(edges)


def test_no_room_holds_more_than_a_quarter_of_the_lines() -> None:
    lines: Counter[str] = Counter()
    for module, file in modules().items():
        lines[room_of(module)] += len(file.read_text().splitlines())
    (room, most), *_ = lines.most_common(1)
    assert 4 * most <= lines.total(), room


def test_only_the_store_speaks_to_its_database() -> None:
    sql = re.compile(
        r"_database|\bsqlite3\b|\bSELECT .* FROM\b|\b(INSERT|DELETE|REPLACE)\b.* (INTO|FROM) "
    )
    for module, file in modules().items():
        if room_of(module) != "store":
            assert not sql.search(file.read_text()), module


def test_few_imports_stand_inside_functions() -> None:
    """Those of optional packages, and those that keep `import lightmeter` light."""
    inside = sum(
        isinstance(node, ast.Import | ast.ImportFrom)
        for file in modules().values()
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    )
    assert inside <= 12


def test_public_names_exist_and_are_documented() -> None:
    for name in lightmeter.__all__:
        assert name == "__version__" or getattr(lightmeter, name).__doc__, name


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name.endswith("Error")])
def test_an_error_is_one_of_ours_and_of_the_fitting_builtin(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, errors.LightmeterError)
    assert name == "LightmeterError" or issubclass(kind, ValueError | RuntimeError)
    assert getattr(lightmeter, name) is kind


def test_the_version_is_that_of_the_package() -> None:
    assert lightmeter.__version__ == importlib.metadata.version("lightmeter")


def loaded_after(code: str) -> set[str]:
    """The packages that are loaded once the code has run."""
    code += "; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


# Not needed to measure an image.
HEAVY = {"multiprocessing", "pandas", "polars", "pyarrow", "rich", "scipy", "sqlite3", "subprocess"}
HEAVY |= {"asyncio", "ssl", "tomllib", "typer"}


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import lightmeter", HEAVY | {"numpy", "PIL", "difflib", "threading"}),
        ("import lightmeter; dir(lightmeter)", HEAVY | {"numpy", "PIL"}),
        ("import lightmeter; lightmeter.log(row={'a': 1}).view()['a'].mean", HEAVY),
        ("from lightmeter import profile_images, compare", HEAVY - {"multiprocessing"}),
    ],
)
def test_importing_is_light(code: str, heavy: set[str]) -> None:
    """Only what a call needs is loaded."""
    assert not heavy & loaded_after(code)


def test_type_checkers_see_every_name_where_it_is() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    (seen,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and not node.orelse and isinstance(node.test, ast.Name)
    )
    told = {
        alias.asname: node.module
        for node in seen.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == lightmeter._HOMES
    assert set(lightmeter.__all__) <= set(dir(lightmeter))
    assert lightmeter.errors.StoreError is lightmeter.StoreError
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lightmeter.nonsense  # noqa: B018
