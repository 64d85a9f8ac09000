"""The differences of TIFF tiles, summed up in the core."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import _core


@settings(max_examples=200)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 70), st.integers(1, 4)),
    cut=st.tuples(st.integers(0, 8), st.integers(0, 69)),
    in_planes=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_sums_are_those_of_numpy(
    size: tuple[int, int, int], cut: tuple[int, int], in_planes: bool, seed: int
) -> None:
    height, width, channels = size
    rows, columns = max(1, height - cut[0]), max(1, width - cut[1])
    tile = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    if in_planes and channels == 1:
        room = np.full((3, rows + 2, columns + 2), 7, np.uint8)
        inner = room.transpose(1, 2, 0)[1:-1, 1:-1, 1:2]
    else:
        room = np.full((rows + 2, columns + 2, channels), 7, np.uint8)
        inner = room[1:-1, 1:-1]
    _core.sum_differences(tile, inner)
    expected = np.cumsum(tile, axis=1, dtype=np.uint8)[:rows, :columns]
    np.testing.assert_array_equal(inner, expected)
    inner[...] = 7
    assert (room == 7).all()


def test_other_shapes_are_refused() -> None:
    tile = np.zeros((4, 6, 3), np.uint8)
    for samples in (tile[:, :, :2], tile[:, ::2], tile[0], np.zeros((5, 6, 3), np.uint8),
                    np.zeros((4, 7, 3), np.uint8), np.zeros((3, 4, 6), np.uint8).T):  # fmt: skip
        with pytest.raises(ValueError, match="expected a tile HxWxC of rows without gaps"):
            _core.sum_differences(tile, samples)
    with pytest.raises(ValueError, match="expected a tile"):
        _core.sum_differences(np.zeros((4, 6, 5), np.uint8), np.zeros((4, 6, 5), np.uint8))
    with pytest.raises(TypeError):
        _core.sum_differences(tile.astype(np.uint16), tile)
