"""The samples of docs/ray-and-spark.md, with Ray, Spark, Dask and Beam of this machine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lightmeter import ProfileView, profile_images
from many import write_pictures

PAGE = Path(__file__).parents[2] / "docs/ray-and-spark.md"

# In a process of its own each, since a sample ends its cluster or forks.
BEGIN = {
    "ray": "import ray\nray.init(address='local', num_cpus=2, include_dashboard=False)",
    "pyspark": "from pyspark.sql import SparkSession\n"
    "spark = SparkSession.builder.master('local[2]').getOrCreate()",
    "dask": "",
    "apache_beam": "",
}
PLACE = {"ray": "Ray", "pyspark": "Spark", "dask": "Dask", "apache_beam": "Beam"}

MANIFEST = """
import datetime, pyarrow, pyarrow.parquet
pyarrow.parquet.write_table(pyarrow.table({
    "uri": files,
    "taken": [datetime.date(2024, 1, 1 + number % 2) for number in range(len(files))],
    "camera": ["north"] * len(files),
}), "manifest.parquet")
"""


@pytest.mark.parametrize("package", BEGIN)
def test_samples_run(package: str, tmp_path: Path) -> None:
    pytest.importorskip(package)
    if package == "pyspark" and shutil.which("java") is None:
        pytest.skip("Spark needs Java, which is not here")
    write_pictures(tmp_path / "photos", 100)
    text = PAGE.read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {PLACE[package]}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    blocks = re.findall(r"^```py\n(.*?)^```", section, re.M | re.S)
    assert blocks
    script = tmp_path / "script.py"
    lines = [
        "import datetime, glob",
        "import lightmeter as lm",
        "files = sorted(glob.glob('photos/*.jpg'))",
        MANIFEST,
        "def main():",
        *(f"    {line}" for block in (BEGIN[package], *blocks) for line in block.splitlines()),
        "    if 'view' in dir(): view.write('all.lmp')",
        "if __name__ == '__main__': main()",
    ]
    script.write_text("\n".join(lines))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment |= {"PYSPARK_PYTHON": sys.executable, "RAY_AUTH_MODE": "disabled"}
    command = [sys.executable, script]
    subprocess.run(command, cwd=tmp_path, env=environment, timeout=200, check=True)
    (written,) = tmp_path.glob("all.lmp*")
    options = {"metrics": "camera"} if package == "ray" else {}
    view, wanted = ProfileView.read(written), profile_images(tmp_path / "photos", **options)
    assert view.images == wanted.images == 98
    for name in ("image.Hue.mean", "image.Brightness.mean"):
        assert view[name].to_summary_dict() == wanted[name].to_summary_dict()
