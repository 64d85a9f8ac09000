import gc
import inspect
import io
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from lightmeter import Profile, ProfileView, Store, _core
from lightmeter.__main__ import main
from lightmeter.store import engine
from PIL import Image

# No test depends on how long something takes.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


def pytest_collection_finish() -> None:
    """Let the garbage collector pass over all that lives as long as the tests: it takes a tenth."""
    gc.freeze()


def picture(
    width: int = 64, height: int = 48, *, seed: int = 0, noise: float = 12.0
) -> Image.Image:
    """A smooth coloured scene with noise: neither flat nor white noise, like a photograph."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (5 + 7 * rng.random()) + y / (5 + 9 * rng.random())) for _ in range(3)]
    base = rng.uniform(60, 200, 3)
    samples = np.stack([b + 50 * w for b, w in zip(base, waves, strict=True)], axis=-1)
    samples += rng.normal(0, noise, samples.shape)
    return Image.fromarray(samples.clip(0, 255).astype(np.uint8), "RGB")


def exif_of(tags: Mapping[int, Any]) -> Image.Exif:
    exif = Image.Exif()
    exif.update(tags)
    return exif


def encoded(
    form: str,
    image: Image.Image | None = None,
    *,
    tags: Mapping[int, Any] | None = None,
    frames: Sequence[Image.Image] = (),
    **options: Any,
) -> bytes:
    """A picture as the bytes of a file, with tags of Exif by their numbers, and more frames."""
    if tags is not None:
        options["exif"] = exif_of(tags)
    if frames:
        options |= {"save_all": True, "append_images": frames}
    file = io.BytesIO()
    (image or picture()).save(file, form, **options)
    return file.getvalue()


def summaries(view: ProfileView) -> dict[str, dict[str, Any]]:
    """The summary of each feature."""
    return {name: column.to_summary_dict() for name, column in view.items()}


def with_rows(images: Iterable[Any], **options: Any) -> ProfileView:
    """A profile that keeps the rows of its images."""
    profile = Profile(**{"sample": 256} | options)
    profile.track_many(images)
    return profile.view()


def as_of_images(profile: Profile) -> ProfileView:
    """Columns that are named as numbers of images then also mean what these do."""
    for name, role, *_ in _core.image_numbers():
        if f"image.{name}" in profile.view():
            profile._core.log_numbers(f"image.{name}", np.empty(0), role, "image")
    return profile.view()


def lightmeter(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command line, within this process: to start another one takes half a second."""
    command = ["lightmeter", *map(str, arguments)]
    with pytest.MonkeyPatch.context() as changed, warnings.catch_warnings():
        changed.setattr(sys, "argv", command)
        changed.setattr(sys, "path", [*sys.path])
        before = set(sys.modules)
        changed.setenv("COLUMNS", "80")
        changed.setenv("NO_COLOR", "1")
        for name in ("stdout", "stderr"):
            changed.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), "utf-8", newline=""))
        code = main()
        printed = []
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            printed.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    for name in sys.modules.keys() - before:  # the user's own, which another test writes anew
        if Path(getattr(sys.modules[name], "__file__", None) or "").parent == Path.cwd():
            del sys.modules[name]
    return subprocess.CompletedProcess(command, code, *printed)


def run_program(*arguments: object) -> subprocess.CompletedProcess[str]:
    """A process of Python with these arguments."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def lightmeter_without(
    modules: Iterable[str], *arguments: object
) -> subprocess.CompletedProcess[str]:
    """The command line of a Python that does not have these modules."""
    code = (
        "import sys; sys.modules |= dict.fromkeys(sys.argv.pop(1).split()); "
        "from lightmeter.__main__ import main; sys.exit(main())"
    )
    return run_program("-c", code, " ".join(modules), *arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of JPEG, PNG and grayscale pictures in two levels."""
    root = tmp_path / "photos"
    (root / "more").mkdir(parents=True)
    for seed in range(6):
        picture(seed=seed).save(root / f"{seed}.jpg", quality=90)
    picture(seed=6).save(root / "more" / "6.png")
    picture(seed=7).convert("L").save(root / "more" / "7.png")
    return root


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """150 small pictures, which are three blocks, and three files that are none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(150):
        picture(12, 10, seed=seed).save(folder / f"{seed:03}.png")
    for number in range(3):
        (folder / f"bad {number}.png").write_bytes(b"junk")
    return folder


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[timedelta]:
    """How far local time is ahead of UTC during a test."""
    monkeypatch.setenv("TZ", "IST-5:30")
    time.tzset()
    yield timedelta(hours=5, minutes=30)
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may be killed all the same: what it wrote is in the memory of the system."""
    monkeypatch.setattr(engine, "SYNCHRONOUS", "OFF")


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where profiles wait for servers, which are not waited for as long as else."""
    from lightmeter.store import remote

    monkeypatch.setenv("LIGHTMETER_SPOOL", str(tmp_path / "spool"))
    monkeypatch.delenv("LIGHTMETER_KEY", raising=False)
    monkeypatch.setattr(remote, "_PATIENCE", 1.0)
    monkeypatch.setattr(remote, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(remote, "_READING", 0.3)
    monkeypatch.setattr(remote, "_BRIEF", 0.3)
    return tmp_path / "spool"


@pytest.fixture
def way(store: Store, spool: Path) -> Iterator[Any]:
    """The way to a server of the store."""
    from weather import Weather, running

    with running(store) as port, Weather(port).blowing() as weather:
        yield weather


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store in a file; with LIGHTMETER_TEST_STORE=postgresql in a database (.ci/steps)."""
    address: Path | str = tmp_path / "drift.db"
    if os.environ.get("LIGHTMETER_TEST_STORE") == "postgresql":
        if ".path" in inspect.getsource(request.function):
            pytest.skip("it is about a file")
        address = request.getfixturevalue("database")
    with Store(address) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a database of PostgreSQL, on a socket in a folder."""
    from postgres import running_server  # takes an extra

    with running_server() as address:
        yield address


@pytest.fixture
def database(postgres: str) -> str:
    """The address of a database without a table."""
    from postgres import emptied

    return emptied(postgres)


@pytest.fixture(params=["file", "postgresql"])
def sql_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store on each engine."""
    is_file = request.param == "file"
    address = tmp_path / "drift.db" if is_file else request.getfixturevalue("database")
    with Store(address) as opened:
        yield opened


@pytest.fixture
def served(store: Store) -> tuple[Store, Any]:
    """A store, and an app that serves it."""
    from lightmeter.serve import make_app  # takes an extra

    return store, make_app(store)


@pytest.fixture
def three_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buckets for the rule on drift: of what follows from which ones, not of how sure it is."""
    from lightmeter.monitor import against_past
    from lightmeter.monitor.rules import drift

    for module in (against_past, drift):
        monkeypatch.setattr(module, "ENOUGH", 3)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of this machine, signed by itself, with its key; alone in a file beside it, `.crt`."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    file = tmp_path_factory.mktemp("tls") / "self.pem"
    names = "subjectAltName=DNS:localhost,DNS:far.invalid,IP:127.0.0.1"
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    subject = ["-subj", "/CN=localhost", "-addext", names, "-keyout", file, "-out", f"{file}.crt"]
    subprocess.run([*command.split(), *subject], check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + Path(f"{file}.crt").read_bytes())
    return file
