"""Files of many pictures for tests: archives and tables of the same members."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import conftest
import pyarrow as pa
import pyarrow.parquet
from conftest import picture
from lightmeter import profile_images

Members = Mapping[str, bytes]


def encoded(seed: int = 0, width: int = 12, height: int = 10) -> bytes:
    return conftest.encoded("PNG", picture(width, height, seed=seed))


def pictures(count: int = 6) -> dict[str, bytes]:
    """Pictures of two folders, in the order of their names."""
    members = {f"{'ab'[seed % 2]}/{seed:02}.png": encoded(seed) for seed in range(count)}
    return dict(sorted(members.items()))


def write_folder(path: Path, members: Members) -> Path:
    for name, data in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def write_tar(path: Path, members: Members, mode: str = "w", **options: int) -> Path:
    with tarfile.open(path, mode, **options) as tar:  # type: ignore[call-overload]
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def write_zip(path: Path, members: Members, method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def table_of(members: Members) -> pa.Table:
    """As Hugging Face has it, with a label beside."""
    return pa.table(
        {
            "image": [{"bytes": data, "path": name} for name, data in members.items()],
            "label": [name.partition("/")[0] for name in members],
        }
    )


def write_parquet(path: Path, members: Members, rows: int = 3) -> Path:
    pa.parquet.write_table(table_of(members), path, row_group_size=rows)
    return path


def write_manifest(path: Path, names: list[str]) -> Path:
    rows = [{"path": name, "label": name.split("/")[-2]} for name in names]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def as_manifest(path: Path, members: Members) -> Path:
    folder = write_folder(path.parent / "listed", members)
    return write_manifest(path, [f"{folder.name}/{name}" for name in members])


def at_address(path: Path, members: Members) -> str:
    """An address of fsspec; its file system in memory would be shared by all tests of a process."""
    return write_folder(path, members).as_uri()


def failures(path: Path, **options: object) -> tuple[int, list[tuple[str, str]]]:
    """How many pictures there are, and what failed, by its name within the file."""
    view = profile_images(path, **options)  # type: ignore[call-overload]
    failed = [((it.path or "").removeprefix(str(path)), it.reason) for it in view.failures]
    return view.images, failed


def changed(path: Path, change: Callable[[bytearray], bytes | None]) -> Path:
    data = bytearray(path.read_bytes())
    result = change(data)
    path.write_bytes(data if result is None else result)
    return path
