"""How version 1 writes files of tests/golden/v1, and what its profiles say.

Version 1 is frozen since 0.3.0: no file changes, and no line of `said.jsonl`. Run as a script this
writes what is not there, such as the file of a section that is new.
"""

import functools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightmeter as lm
import numpy as np
from lightmeter import Failure, Profile, ProfileView
from lightmeter.profile.table_files import plain
from lightmeter.profile.view import plain_summary
from lightmeter.sketch import QuantileSketch

FOLDER = Path(__file__).parents[2] / "golden" / "v1"
AT = datetime(2022, 9, 7, tzinfo=UTC)
SET = "whylogs"  # a set that never grows
READINGS = ({}, {"channels": "BGR"}, {"value_range": (0, 4095)}, {"ignore": (0, 0, 2, 2)})


def pattern(height: int, width: int, seed: int) -> np.ndarray:
    """Pixels that no library's random generator can change."""
    index = np.arange(height * width * 3, dtype=np.uint64)
    samples = (index * (2 * seed + 1) ** 2 + index**2 // 97) % 251
    return samples.astype(np.uint8).reshape(height, width, 3)


def read_with(options: dict[str, Any]) -> ProfileView:
    """Pictures of 16 and of 8 bits."""
    profile = Profile(metrics=SET, **options)
    profile.track(pattern(4, 5, 1).astype(np.uint16) * 16)
    profile.track(pattern(4, 5, 2))
    return profile.view()


def masked() -> ProfileView:
    """Pictures of which something is ignored, in each way that a reading can say."""
    mask, deep = pattern(6, 7, 1)[..., 0] % 2, pattern(6, 7, 2)[..., 0] / np.float32(255)
    deep[2:4, 1] = np.nan
    clear = np.dstack([pattern(6, 7, 3), mask * np.uint8(255)])
    pictures: list[tuple[Any, Any]] = [
        (pattern(6, 7, 1), (0, 0, 2, 3)),
        (pattern(6, 7, 2), [(0.0, 0.5, 1.0, 0.5), mask]),
        (clear, "alpha"),
        (deep, ["nodata", 0]),
        (pattern(6, 7, 4)[..., 0], lambda path: mask),
    ]

    def one(image: Any, ignore: Any) -> ProfileView:
        return lm.log_image(image, metrics=SET, ignore=ignore).view()

    return ProfileView.merge_many([one(*each) for each in pictures])


def grouped() -> ProfileView:
    whole = Profile()
    for seed in range(400):  # more groups than places
        part = Profile()
        part._core.log_row({"a": seed % 4, "b": "cat" if seed % 3 else None})
        part._core.log_numbers("far", np.array([np.inf] if seed < 9 else []))
        part._core.log_numbers("hue", np.array([0.0, seed % 255]), "angle", "image")
        exif = {"Make": "Caf\u00e9"} if seed % 2 else {}
        part._core.log_file("image", exif=exif)
        whole._core.merge_group(f"Caf\u00e9 {seed}" if seed % 5 else None, part._core)
    return whole.view()


@functools.cache
def profiles() -> dict[str, ProfileView]:
    single = Profile(metrics=SET)
    single.track(pattern(9, 14, 1))
    exif = {"Make": "Caf\u00e9 1", "Rating": 6, "XResolution": 72.5, "Artist": "somebody"}
    exif["DateTime"] = 19_242.5
    single._core.log_file("image", None, exif, None, ["Artist"], ["Software"], {"DateTime"})
    single.set_dataset_timestamp(datetime(2022, 9, 7, tzinfo=UTC))

    failing = Profile(metrics=SET)
    failing.track_many([pattern(5, 5, 2)[..., 0], b"junk", pattern(3, 8, 3)])
    failing._add("image", Failure("caf\udce9.jpg", "truncated", "Caf\u00e9"))

    sampled = Profile(metrics=SET)
    for seed in range(1500):  # past exact mode
        sampled.log(row={"camera": pattern(4, 5, seed)})
        sampled._core.log_file("camera", exif={"Model": f"model {seed % 700}", "ISO": seed})
        sampled.log(row={"few": seed % 300, "fraction": seed / 7})

    embedded = Profile(metrics=SET)
    whole = pattern(70, 40, 5)[..., 0] / 8.0  # longer than it has projections; sums of 70 rows
    for length in (40, 3):
        embedded.log(columns={"caf\u00e9": whole[:, :length]})
    embedded.log(columns={"few": np.array([[0.5, -2.0], [np.nan, 1.0], [0.1, 0.0]])})
    for seed in range(34):
        embedded.track(pattern(6, 7, seed))
    valued = Profile()
    for value in ("a", -7, 2.5, True, None, float("nan"), float("inf"), 2**60, AT):
        valued.log(row={"caf\u00e9": value})
    valued._core.log_numbers("numbers", np.array([np.nan, np.inf, -np.inf, 0.1, 0.1]))

    return {
        "empty": Profile().view(),
        "one_image_with_exif": single.view(),
        "failures_and_gray": failing.view(),
        "sampled": sampled.view(),
        "vectors": embedded.view(),
        "groups": grouped(),
        "masks": masked(),
        "readings": ProfileView.merge_many(map(read_with, READINGS)),
        "values": valued.view(),
    }


def sketches() -> dict[str, QuantileSketch]:
    """Each form that the state of one may have."""
    index = np.arange(50_000)
    values = {
        "quantiles_exact": [3.0, 1.0, 3.0, np.nan, np.inf, -np.inf],
        "quantiles_counted": [0.0, 5.0] * 3000,
        "quantiles_sampled": index**2 % 99_991 / 8,
    }
    made = {name: QuantileSketch() for name in values}
    for name, each in values.items():
        made[name].update(each)
    return made


def said(view: ProfileView) -> dict[str, Any]:
    """All that a profile says, as JSON has it; of each feature a row."""
    summary = plain_summary(view)
    features = summary.pop("features")
    for name, column in view.items():
        features[name]["frequent_items/frequent_strings"] = column.frequent[:9]
        features[name]["error"] = column.numbers.error()
        features[name]["meaning"] = view._core.meaning(name)
        features[name]["types"] = column.types
    statistics = sorted({statistic for row in features.values() for statistic in row})
    rows = {name: [row.get(each) for each in statistics] for name, row in features.items()}
    found = {**summary, "sample": view.sample, "statistics": statistics, "features": rows}
    return dict(json.loads(json.dumps(plain(found))))


def files() -> dict[str, Callable[[], bytes]]:
    """Name and writer of each file whose bytes no other test knows."""
    return {
        **{f"{name}.lmp": view.to_bytes for name, view in profiles().items()},
        **{f"sketches/{name}.bin": sketch.to_bytes for name, sketch in sketches().items()},
    }


def main() -> None:
    for name, write in files().items():
        if not (FOLDER / name).exists():
            (FOLDER / name).write_bytes(write())
            if name.endswith(".lmp"):
                line = {"profile": name[:-4]} | said(ProfileView.read(FOLDER / name))
                with (FOLDER / "said.jsonl").open("a") as file:
                    file.write(json.dumps(line, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
