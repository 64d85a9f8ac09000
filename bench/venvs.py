"""The virtual environments of the bench, made from its requirement files."""

import hashlib
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

BENCH = Path(__file__).parent
_SOURCES = ("pyproject.toml", "CMakeLists.txt", "cpp", "python")


class NotInstalledError(Exception):
    """What pip says of requirements that it cannot install."""


def interpreter_of(competitor: Path) -> Path:
    if competitor.parent.name == "peers":
        return peer(competitor.stem)
    return peer("whylogs") if competitor.stem.startswith("whylogs") else lightmeter()


def ready(name: str, requirements: str, interpreter: str = sys.executable) -> Path:
    """The interpreter of `.venv-NAME`, installed anew where what it is made from has changed."""
    home = BENCH / f".venv-{name}"
    python = home / "bin" / "python"
    stamp = home / "made-from"
    state = _state_of(BENCH / requirements)
    if not stamp.exists() or stamp.read_text() != state:
        print(f"installing {requirements} into {home.name} ...", file=sys.stderr)
        if not python.exists():
            subprocess.run([interpreter, "-m", "venv", home], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*install, "-r", requirements], cwd=BENCH, stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            raise NotInstalledError(f"{requirements}: {done.stderr.strip()}")
        stamp.write_text(state)
    return python


@cache
def lightmeter() -> Path:
    return ready("lightmeter", "requirements.txt")


@cache
def peer(name: str) -> Path:
    """On Python 3.11 where there is one: whylogs is no longer released for the newest."""
    return ready(f"peer-{name}", f"peers/{name}.txt", shutil.which("python3.11") or sys.executable)


def _state_of(requirements: Path) -> str:
    digest = hashlib.sha256(requirements.read_bytes())
    if ".." in requirements.read_text():  # installs the checkout
        for source in _SOURCES:
            root = BENCH.parent / source
            for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
                if path.is_file() and "__pycache__" not in path.parts:
                    digest.update(bytes(path.relative_to(BENCH.parent)))
                    digest.update(path.read_bytes())
    return digest.hexdigest()
