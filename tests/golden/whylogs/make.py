"""Make the files beside this one with whylogs 1.6.4, and write down what it reports of them.

    python bench/run.py log_image    # makes bench/.venv-whylogs
    bench/.venv-whylogs/bin/python tests/golden/whylogs/make.py

whylogs samples at random, so no run makes the same bytes.
"""

import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

os.environ["WHYLOGS_NO_ANALYTICS"] = "1"

import numpy as np
import pandas as pd
import whylogs as why
from PIL import Image
from whylogs.core import DatasetProfile, DatasetSchema
from whylogs.core.metrics import MetricConfig
from whylogs.core.segment import Segment
from whylogs.core.segmentation_partition import segment_on_column
from whylogs.core.view.segmented_dataset_profile_view import SegmentedDatasetProfileView
from whylogs.extras.image_metric import log_image
from whylogs.migration.uncompound import _uncompound_dataset_profile

FOLDER = Path(__file__).parent
DAY = datetime(2022, 9, 7, 12, tzinfo=UTC)
ITEMS = 10  # of frequent strings that are written down
QUANTILES = [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1]


def drawn(seed: int) -> tuple[Image.Image, Image.Exif]:
    y, x = np.mgrid[0:24, 0:32]
    pixels = np.stack([x * 7 + seed * 31, y * 9 + x * seed, (x * y + seed * 57) % 251], axis=-1)
    exif = Image.Exif()
    exif[0x010F] = f"Maker {seed % 2}"  # Make
    exif[0x0112] = 1 + 5 * (seed % 2)  # Orientation
    if seed < 4:
        exif[0x0132] = f"2022:09:0{seed + 1} 12:00:00"  # DateTime
        exif[0x011A] = 72.0 + seed  # XResolution
        exif[0x013B] = "somebody"  # Artist
    image = Image.fromarray((pixels % 256).astype(np.uint8))
    return image, exif


def pictures() -> why.core.DatasetProfileView:
    views = []
    for seed in range(6):
        image, exif = drawn(seed)
        path = FOLDER / "drawn.png"
        image.save(path, exif=exif)
        with Image.open(path) as opened:
            views.append(log_image(opened).view())
        path.unlink()
    merged = views[0]
    for view in views[1:]:
        merged = merged.merge(view)
    return merged


def table(
    n: int, columns: str = "", *, start: int = 0, k: int = 256, lg_items: int = 6
) -> why.core.DatasetProfileView:
    """Small sketches make small files; those of the default size are tried too."""
    i = np.arange(start, start + n)
    frame = pd.DataFrame(
        {
            "few": i % 7,
            "fractions": np.sin(i) * 1000,
            "integers": i * 7919 % 100_003 - 50_000,
            "names": [f"name {j % 5}" if j % 4 else None for j in i],
            "unique": [f"caf\u00e9 {j}" for j in i],
            "switch": (i % 3 == 0),
            "gaps": [float(j) / 8 if j % 6 else None for j in i],
            "mixed": pd.Series(
                [[int(j), j / 4, f"word {j % 3}", None, True][j % 5] for j in i], dtype="object"
            ),
        }
    )
    config = MetricConfig(kll_k_large=k, fi_lg_max_k=lg_items)
    schema = DatasetSchema(default_configs=config)
    return why.log(frame[columns.split() or list(frame)], schema=schema).view()


def rows() -> why.core.DatasetProfileView:
    """Logged one by one, where NaN is counted otherwise than in a table."""
    profile = DatasetProfile()
    for value in (1.5, float("inf"), None, -3.25, "text"):
        profile.track({"x": value, "y": value if isinstance(value, float) else float("nan")})
    return profile.view()


def main() -> None:
    views = {
        "empty": DatasetProfile().view(),
        "one": table(1),
        "two": table(2),
        "fifty": table(50),
        "hundreds": table(700, "unique", lg_items=10),
        "thousands": table(5000, "fractions", k=1024),
        "many": table(200_000, "few fractions integers unique"),
        "merged": table(2000, "integers mixed names unique").merge(
            table(2500, "integers mixed names unique", start=1500)
        ),
        "rows": rows(),
        "pictures": pictures(),
    }
    views["uploaded"] = _uncompound_dataset_profile(pictures())
    expected = {}
    for name, view in views.items():
        view.set_dataset_timestamp(DAY)
        (FOLDER / f"{name}.bin").write_bytes(view.serialize())
        expected[f"{name}.bin"] = told(view)
    partition = segment_on_column("camera")["camera"]
    with zipfile.ZipFile(FOLDER / "segments.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for camera, n in (("north", 8), ("south", 4)):
            view = why.log(pd.DataFrame({"camera": [camera] * n, "x": np.arange(1.0 * n)})).view()
            view.set_dataset_timestamp(DAY)
            path = FOLDER / f"{camera}.bin"
            with open(path, "w+b") as file:
                segment = Segment((camera,), partition.id)
                SegmentedDatasetProfileView(
                    profile_view=view, segment=segment, partition=partition
                )._do_write(file)
            archive.write(path, path.name)
            expected[path.name] = told(view)
    lines = []
    for name, columns in expected.items():
        told_of = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in columns.items()]
        lines.append(f" {json.dumps(name)}: {{\n" + ",\n".join(told_of) + "\n }")
    (FOLDER / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def told(view: why.core.DatasetProfileView) -> dict[str, dict[str, object]]:
    """What whylogs reports of each column, as it reads the file again."""
    again = _uncompound_dataset_profile(why.core.DatasetProfileView.deserialize(view.serialize()))
    columns = {}
    for name, column in sorted(again.get_columns().items()):
        if not column.get_metric("counts"):
            continue
        summary = column.to_summary_dict()
        items = summary.pop("frequent_items/frequent_strings", None)
        if items is not None:
            summary["frequent"] = [
                [item.value, item.est, item.upper, item.lower] for item in items[:ITEMS]
            ]
        distribution = column.get_metric("distribution")
        if distribution and distribution.n:
            kll = distribution.kll.value
            summary["quantiles"] = kll.get_quantiles(QUANTILES)
            summary["rank_error"] = kll.normalized_rank_error(False)
        columns[name] = {key: plain(value) for key, value in summary.items()}
    return columns


def plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


if __name__ == "__main__":
    main()
