"""What the package promises by its names: they are there, documented, and light to import."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import lightmeter
import pytest
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
    command = [sys.executable, "-c", code, *map(str, words)]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


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
