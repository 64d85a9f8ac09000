"""Loaders of PyTorch itself: ``pip install torch``."""

from typing import Any

import numpy as np
import pytest
from lightmeter import log_image, profile_images
from PIL import Image

torch = pytest.importorskip("torch")

from torch.utils import data as torch_data  # noqa: E402

COUNT = 10
RNG = np.random.default_rng(0)
PIXELS = [RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8) for _ in range(COUNT)]
VIEW = log_image([Image.fromarray(pixels) for pixels in PIXELS]).view()


class Samples(torch_data.Dataset):  # type: ignore[misc,name-defined]
    def __init__(self, named: bool) -> None:
        self.named = named

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, number: int) -> Any:
        tensor = torch.from_numpy(PIXELS[number]).permute(2, 0, 1).contiguous()
        return {"image": tensor, "label": number} if self.named else (tensor, number)


@pytest.mark.parametrize("options", [{}, {"num_workers": 2}, {"shuffle": True}])
@pytest.mark.parametrize("named", [False, True])
def test_loaders(options: dict[str, Any], named: bool) -> None:
    loader = torch_data.DataLoader(Samples(named), batch_size=4, **options)
    view = profile_images(loader, values=["label"], layout="NCHW")
    assert (view.images, view["label"].mean) == (COUNT, 4.5)
    for name in ("image.Hue.mean", "image.entropy"):
        assert view[name].to_summary_dict() == VIEW[name].to_summary_dict()
