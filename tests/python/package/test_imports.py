"""A room uses only rooms below it, in Python and in C++, and nothing goes round in a circle."""

import ast
import re
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "python/lightmeter"
CORE = ROOT / "cpp"
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"](\S+)\.\w+[>"]', re.MULTILINE)

# A room may use those below it: the ones named here and everything that they may use.
ROOMS = {
    "ground": "",
    "image": "ground",
    "profile": "image",
    "batch": "profile",
    "drift": "profile",
    "contracts": "report",
    "testing": "contracts",
    "store": "profile",
    "report": "drift",
    "writers": "batch store",
    "monitor": "contracts drift store",
    "alerts": "monitor",
    "interop": "report monitor batch",
    "viz": "interop",
    "dashboard": "report alerts",
    "ray": "batch",
    "spark": "batch",
    "lightmeter": "batch contracts alerts testing viz interop writers ray spark",
    "demo": "lightmeter dashboard",
    "serve": "dashboard writers interop",
    "cli": "demo serve",
    "__main__": "cli",
}

CORE_ROOMS = {
    "kernels": "",
    "wire": "",
    "headers": "wire",
    "decode": "kernels headers",
    "measure": "kernels decode",
    "sketch": "kernels wire",
    "profile": "measure sketch",
    "drift": "sketch",
    "bindings": "decode profile drift",
}


def below(rooms: dict[str, str]) -> dict[str, set[str]]:
    """Return all rooms that each may use, itself too. Raises where rooms go round in a circle."""
    graph = {room: set(used.split()) for room, used in rooms.items()}
    allowed: dict[str, set[str]] = {}
    for room in TopologicalSorter(graph).static_order():
        allowed[room] = {room}.union(*(allowed[used] for used in graph[room]))
    return allowed


def python_imports() -> dict[str, set[str]]:
    """Return the modules of the package that each of them imports, inside functions too."""
    files = {
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts): file
        for file in PACKAGE.rglob("*.py")
    }
    known = {name.removesuffix(".__init__") for name in files} | {"lightmeter._core"}
    imports: dict[str, set[str]] = {}
    for name, file in files.items():
        imported = set()
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                source = str(node.module)
                names = {f"{source}.{alias.name}" for alias in node.names}
                imported |= (names & known) or {source}
        module = name.removesuffix(".__init__")
        imports[module] = (imported & known) - {module}
    return imports


def python_room(module: str) -> str:
    room = module.split(".")[1] if "." in module else "lightmeter"
    return room if room in ROOMS else "ground"


def core_includes() -> dict[str, set[str]]:
    """Return what each file of the core includes. A header and the source of its name are one."""
    includes: dict[str, set[str]] = {}
    for file in CORE.rglob("*.?pp"):
        name, text = str(file.relative_to(CORE).with_suffix("")), file.read_text()
        included = set(INCLUDE.findall(text))
        included |= {f"{name.rpartition('/')[0]}/{path}" for path in included}  # beside it
        includes.setdefault(name, set()).update(included - {name})
        is_free = not re.search(r"pybind11|Python\.h|numpy", text)
        assert is_free or name.startswith("bindings/"), f"{name} knows Python"
    return includes


@pytest.mark.parametrize(
    ("rooms", "imports", "room_of"),
    [
        (ROOMS, python_imports, python_room),
        (CORE_ROOMS, core_includes, lambda name: name.rpartition("/")[0].partition("/")[0]),
    ],
    ids=["python", "core"],
)
def test_rooms_use_only_those_below(
    rooms: dict[str, str], imports: Callable[[], dict[str, set[str]]], room_of: Callable[[str], str]
) -> None:
    graph = imports()
    allowed = below(rooms) | {"": {""}}  # a file outside of all rooms is there for every one
    for name, used in graph.items():
        for other in used & graph.keys():
            assert room_of(other) in {"", *allowed[room_of(name)]}, f"{name} uses {other}"
    TopologicalSorter({name: used & graph.keys() for name, used in graph.items()}).prepare()
