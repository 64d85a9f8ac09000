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

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "python/lightmeter"

# What follows `#include`, however it is spelt; and a file of the project among it.
DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(?:include|include_next|import|embed)\b[ \t]*(.*)$", re.M)
OURS = re.compile(r'"(?:lightmeter/)?([\w/]+\.\w+)"')
OTHERS = re.compile(r"<(?!lightmeter\b)[\w/.]+>")
# What could load a module of the package without an import; and who does, by which name.
HIDDEN = {"__import__", "eval", "exec", "import_module", "modules", "find_spec", "pkgutil", "runpy"}
HIDES = {
    (module, "import_module")
    for module in (
        "lightmeter",
        "lightmeter.batch.executors",
        "lightmeter.cli.options",
        "lightmeter.image.plugins",
        "lightmeter.store.store",
    )
}


def below(room: str, rooms: dict[str, str]) -> set[str]:
    """Every room that `room` may use: those named and all below them."""
    direct = set(rooms[room].split())
    return direct.union(*(below(other, rooms) for other in direct))


@pytest.mark.parametrize("rooms", [ROOMS, CORE_ROOMS])
def test_the_table_of_rooms_has_no_circle(rooms: dict[str, str]) -> None:
    assert all(room not in below(room, rooms) for room in rooms)


def core_files() -> dict[Path, str]:
    """Every source of the core by its path, and what an `#include` calls it."""
    roots = [ROOT / "cpp" / folder for folder in ("include/lightmeter", "src", "bindings")]
    return {
        path: f"bindings/{path.name}" if root.name == "bindings" else str(path.relative_to(root))
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and path.name != "CMakeLists.txt"
    }


def included_by(text: str) -> list[str]:
    """The files of the core that a source includes."""
    included = []
    for target in DIRECTIVE.findall(text):
        if not OTHERS.match(target):
            ours = OURS.match(target)
            assert ours, f'{target}: write it as "lightmeter/room/file.hpp"'
            included.append(ours[1])
    return included


@pytest.mark.parametrize(
    "line",
    [
        "#include <lightmeter/drift/test.hpp>",
        '#include "../drift/test.hpp"',
        "  #  include TEST",
        "#import <lightmeter/x.hpp>",
    ],
)
def test_an_include_has_one_spelling(line: str) -> None:
    with pytest.raises(AssertionError, match="write it as"):
        included_by(f"// first\n{line}\n")
    assert included_by(' # include  "lightmeter/drift/test.hpp" // why') == ["drift/test.hpp"]


def test_core_rooms_use_only_those_below() -> None:
    rooms = set()
    for path, name in core_files().items():
        room, *rest = name.split("/")
        if rest:
            rooms.add(room)
        allowed = {room, *below(room, CORE_ROOMS)} if rest else set()
        for included in included_by(path.read_text()):
            top, *inside = included.split("/")
            assert not inside or top in allowed, f"{name} includes {included}"
    assert rooms == set(CORE_ROOMS)


def test_no_circle_between_files_of_the_core() -> None:
    """A header and the source of its name are one file."""
    files = {path: name.rsplit(".", 1)[0] for path, name in core_files().items()}
    graph: dict[str, set[str]] = {name: set() for name in files.values()}
    for path, name in files.items():
        for item in included_by(path.read_text()):
            beside = f"{name.rpartition('/')[0]}/{item}".rsplit(".", 1)[0]
            included = item.rsplit(".", 1)[0]
            graph[name] |= ({included, beside} & graph.keys()) - {name}
    graphlib.TopologicalSorter(graph).prepare()


def test_one_file_asks_which_compiler_it_is() -> None:
    asks = re.compile(r"__clang__|__GNUC__|_MSC_VER")
    assert [called for path, called in core_files().items() if asks.search(path.read_text())] == [
        "kernels/compiler.hpp"
    ]


def test_the_core_knows_no_python() -> None:
    for path, name in core_files().items():
        known = re.search(r"pybind11|Python\.h|numpy", path.read_text())
        assert not known or name.startswith("bindings/"), path


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


def test_nothing_is_imported_but_by_an_import() -> None:
    """Else the other tests would not see it."""
    hidden = set()
    for module, file in modules().items():
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name) if (
                    name in HIDDEN
                ):
                    hidden.add((module, name))
                case _:
                    pass
    assert hidden == HIDES


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
        or (isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module")
        for module, file in modules().items()
        if module != "lightmeter"
        for function in ast.walk(ast.parse(file.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    )
    assert inside <= 33


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
    rooms = {name for name in told if told[name] == "lightmeter"}
    assert rooms == set(lightmeter._ROOMS)
    assert {name: told[name] for name in told.keys() - rooms} == lightmeter._HOMES
    assert set(lightmeter.__all__) <= set(dir(lightmeter))
    assert lightmeter.errors.StoreError is lightmeter.StoreError
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lightmeter.nonsense  # noqa: B018


def test_no_query_numbers_its_values() -> None:
    """Python 3.12.0 to 3.12.3 warn of such a query. It fails where warnings are errors."""
    numbered = re.compile(r"\?\d")
    for path in (PACKAGE / "store").rglob("*.py"):
        assert not numbered.search(path.read_text()), path
