"""What the package promises by its names: they are there, documented, and light to import."""

import ast
import importlib.metadata
import re
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

import lightmeter
import pytest
from conftest import run_program
from lightmeter import _core, errors
from PIL import Image

# Not needed to measure an image.
HEAVY = {"filelock", "multiprocessing", "pandas", "polars", "pyarrow", "rich", "scipy", "sqlite3"}
HEAVY |= {"asyncio", "pydantic", "sqlalchemy", "ssl", "subprocess", "tomllib", "typer"}


def test_public_names_exist_and_are_documented() -> None:
    for name in lightmeter.__all__:
        assert name == "__version__" or getattr(lightmeter, name).__doc__, name
    assert dir(lightmeter) == lightmeter.__all__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        lightmeter.nonsense  # noqa: B018


@pytest.mark.parametrize("name", [name for name in vars(errors) if name.endswith("Error")])
def test_an_error_is_one_of_ours_and_of_the_fitting_builtin(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, errors.LightmeterError)
    assert name == "LightmeterError" or issubclass(kind, ValueError | RuntimeError)


@pytest.mark.parametrize("arguments", [(), (1.5, 1), ([],), (b"x",), ("a",) * 5, (object(),) * 3])
def test_wrong_types_never_end_the_process(arguments: tuple[object, ...]) -> None:
    raised = 0
    for owner in (_core, *(kind for kind in vars(_core).values() if isinstance(kind, type))):
        for name, function in vars(owner).items():
            if callable(function) and not name.startswith("__"):
                try:
                    getattr(owner, name)(*arguments)
                except (TypeError, ValueError, AttributeError, errors.LightmeterError):
                    raised += 1
    assert raised > 90


def test_the_version_is_that_of_the_package() -> None:
    assert lightmeter.__version__ == importlib.metadata.version("lightmeter")


def loaded(code: str, *words: object) -> set[str]:
    """The packages that a program has loaded in the end."""
    code += "; import sys; print(*{name.split('.')[0] for name in sys.modules})"
    done = run_program("-c", code, *words)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import lightmeter; dir(lightmeter)", HEAVY | {"numpy", "PIL"}),
        ("from lightmeter import profile_images, compare", HEAVY - {"multiprocessing"}),
    ],
)
def test_importing_is_light(code: str, heavy: set[str]) -> None:
    """Only what a call needs is loaded."""
    assert not heavy & loaded(code)


@pytest.mark.parametrize(
    "command", ["profile a.png", "show a.lmp", "drift --reference a.lmp --target a.lmp"]
)
def test_commands_without_a_store_load_no_engine(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor pydantic, but for what Typer itself loads."""
    monkeypatch.chdir(tmp_path)
    lightmeter.log(columns={"x": [1.0]}).view().write("a.lmp")
    Image.new("L", (4, 4)).save("a.png")
    found = loaded("from lightmeter.__main__ import main; main()", *command.split())
    assert not {"sqlalchemy", "fastapi", "starlette", "urllib3"} & found


def test_no_command_but_serve_loads_what_other_extras_bring() -> None:
    folder = Path(lightmeter.__file__).parent / "cli"
    names = [file.stem for file in folder.glob("*.py") if file.stem != "__init__"]
    extras = {"apprise", "fastapi", "obstore", "psycopg", "pyarrow", "tifffile", "urllib3", "zarr"}
    assert not extras & loaded(f"import {', '.join(f'lightmeter.cli.{name}' for name in names)}")


# A room uses only rooms below it, in Python and in C++, and nothing goes round in a circle.


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
