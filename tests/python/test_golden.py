"""Golden profile files: what version 1 wrote must be read for ever.

Until the first release the format may change: then run this file as a script and commit the result.
"""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from lightmeter import ExifPolicy, Failure, ImageMeter, Profile, ProfileView

FOLDER = Path(__file__).parents[1] / "golden" / "v1"


def pattern(height: int, width: int, seed: int) -> np.ndarray:
    """Pixels that no library's random generator can change."""
    index = np.arange(height * width * 3, dtype=np.uint64)
    return (
        ((index * (2 * seed + 1) ** 2 + index**2 // 97) % 251)
        .astype(np.uint8)
        .reshape(height, width, 3)
    )


def profiles() -> dict[str, ProfileView]:
    one = Profile()
    one.track(pattern(9, 14, 1))
    exif = {"Make": "Caf\u00e9 1", "Rating": 6, "XResolution": 72.5, "Artist": "somebody"}
    exif["DateTime"] = 19_242.5
    one._core.log_exif("image", exif, ["Artist"], ["Software"], {"DateTime"})
    one.set_dataset_timestamp(datetime(2022, 9, 7, tzinfo=UTC))

    failing = Profile()
    failing.track_many([pattern(5, 5, 2)[..., 0], b"junk", pattern(3, 8, 3)])
    failing._log_failure("image", Failure("caf\udce9.jpg", "truncated", "Caf\u00e9"))

    sampled = Profile("camera")
    for seed in range(1500):  # past exact mode
        sampled.track(pattern(4, 5, seed))
        sampled._core.log_exif("camera", {"Model": f"model {seed % 700}", "ISO": seed}, [], [])

    pictured = Profile(exemplars=2)
    for seed in range(6):
        meter = ImageMeter()
        meter.update(pattern(6, 7, seed))
        # The bytes of a real thumbnail depend on Pillow's encoder.
        picture = (seed, f"caf\u00e9/{seed}.jpg", b"\xff" * seed)
        pictured._core.log_image("image", meter._core, "RGB")
        pictured._core.log_exemplar("image", meter._core, *picture)

    repeated = Profile()
    for seed in (1, 2, 1, 3, 1):
        meter = ImageMeter(metrics="camera", size=(19, 16))
        meter.update(pattern(16, 19, seed))
        path = f"caf\u00e9/{seed}.jpg" if seed < 3 else ""
        repeated._core.log_image("image", meter._core, "RGB", path)

    rowed = Profile(rows=4)
    for seed in range(6):  # Exact in every rounding.
        row = {"image.Caf\u00e9": seed / 4, "image.entropy": -7.5}
        rowed._core.sample_row(row if seed % 2 else {**row, "image.own": 3e38})

    decoded = Profile()
    for name in ("Pillow 12.0.0, libjpeg-turbo 3.1.2", "Caf\u00e9 1"):
        decoded.track(pattern(5, 4, 1))
        decoded._core.log_decoder("JPEG", name)
    decoded._core.log_decoder("HEIF", "pillow-heif 1.1.1, libheif 1.20.2")

    embedded = Profile()
    whole = pattern(40, 40, 5)[..., 0] / 8.0  # longer than it has projections; sums of 40 rows
    for length in (40, 3):
        embedded.log(columns={"caf\u00e9": whole[:, :length]})
    embedded.log(columns={"few": np.array([[0.5, -2.0], [np.nan, 1.0], [0.1, 0.0]])})
    for seed in range(34):
        embedded.track(pattern(6, 7, seed))
    grouped = Profile()
    for seed in range(300):  # more groups than places
        part = Profile()
        part._core.log_row({"a": seed % 4, "b": "cat" if seed % 3 else None})
        exif = {"Make": "Caf\u00e9"} if seed % 2 else {}
        part._core.log_exif("image", exif, [], [])
        grouped._core.merge_group(f"Caf\u00e9 {seed}" if seed % 5 else None, part._core)
    return {
        "empty": Profile().view(),
        "one_image_with_exif": one.view(),
        "failures_and_gray": failing.view(),
        "sampled": sampled.view(),
        "exemplars": pictured.view(),
        "repeats": repeated.view(),
        "rows": rowed.view(),
        "vectors": embedded.view(),
        "groups": grouped.view(),
        "decoders": decoded.view(),
    }


# Of a sampled feature these do not depend on the sample, and so not on the last bit of a logarithm.
NOT_SAMPLED = ("counts/", "types/", "distribution/n", "distribution/m")


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.lmp"))])
def test_golden_files_are_read(name: str) -> None:
    expected = profiles()[name]
    data = (FOLDER / f"{name}.lmp").read_bytes()
    view = ProfileView.from_bytes(data)
    assert view.to_bytes() == data
    assert view.dataset_timestamp == expected.dataset_timestamp
    assert view.images == expected.images
    assert view.failures == expected.failures
    assert view.rows == expected.rows
    assert view.decoders == expected.decoders
    for feature in view:
        assert view._core.vectors(feature) == expected._core.vectors(feature)
    # Metrics that came later are in no old file.
    assert view.get_columns().keys() <= expected.get_columns().keys()
    for feature, column in view.get_columns().items():
        assert column.meaning == expected.get_column(feature).meaning
        assert view.exemplars(feature) == expected.exemplars(feature)
        assert view.repeats(feature) == expected.repeats(feature)
        for side in (grouped := view._core.grouped(feature, *column.meaning)):
            other = expected._core.grouped(feature, *column.meaning)[side]
            if side == "texts":
                assert [cell for cell, _ in grouped[side]] == [cell for cell, _ in other]
            else:
                np.testing.assert_allclose(grouped[side], other, rtol=1e-9)
        wanted = expected.get_column(feature).to_summary_dict()
        for key, value in column.to_summary_dict().items():
            if name == "sampled" and (
                key == "distribution/median" or not key.startswith(NOT_SAMPLED)
            ):
                continue
            if not isinstance(value, list):
                wanted[key] = pytest.approx(wanted[key], rel=1e-9, nan_ok=True)
            assert value == wanted[key], (feature, key)


def test_a_golden_value() -> None:
    view = ProfileView.read(FOLDER / "one_image_with_exif.lmp")
    pixels = pattern(9, 14, 1)
    brightness = view.get_column("image.Brightness.mean").to_summary_dict()
    assert brightness["distribution/mean"] == pytest.approx(pixels.max(axis=-1).mean())
    (make,) = view.get_column("image.Make").to_summary_dict()["frequent_items/frequent_strings"]
    assert make == ("Caf\u00e9 1", 1, 1, 1)
    assert view.exif_policies == (ExifPolicy(allow={"Artist"}, deny={"Software"}),)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, view in profiles().items():
        view.write(FOLDER / f"{name}.lmp")
