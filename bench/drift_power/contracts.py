"""How often a contract that profiles suggest passes what is good, and fails what is not.

    python bench/drift_power/contracts.py FOLDER [--size 64x48] [--draws 100] [--severity 3]

A draw splits the photographs of a folder into two halves at random. The contract is made of the
profile of one. It judges that profile, the other half as it is, and the other half with each of the
19 corruptions of ImageNet-C.
"""

import argparse
import tomllib
from pathlib import Path

import lightmeter as lm
import numpy as np
from corruptions import CORRUPTIONS, corrupted
from lightmeter.contracts.generate import contract_of
from numpy.typing import NDArray
from PIL import Image

_CORRUPTED_DRAWS = 30


def pictures(folder: Path, size: tuple[int, int]) -> NDArray[np.uint8]:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".jpg", ".png"))
    opened = (Image.open(file).convert("RGB") for file in files)
    return np.stack([np.asarray(each.resize(size, Image.Resampling.BOX)) for each in opened])


def views(images: NDArray[np.uint8]) -> list[lm.ProfileView]:
    return [lm.log_image(image).view() for image in images]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", default="64x48")
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--severity", type=int, default=3)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    images, rng = pictures(options.folder, (width, height)), np.random.default_rng(0)
    sides = {"as they are": views(images)}
    for name in CORRUPTIONS:
        sides[name] = views(corrupted(name, options.severity, images, rng))
    own, fails = 0, dict.fromkeys(sides, 0)
    for draw in range(options.draws):
        order = rng.permutation(len(images))
        first, second = order[: len(order) // 2], order[len(order) // 2 :]
        good = lm.ProfileView.merge_many(sides["as they are"][place] for place in first)
        contract = lm.Contract(tomllib.loads(contract_of([good])))
        own += not contract.judge(good).passed
        for name, side in sides.items():
            if name == "as they are" or draw < _CORRUPTED_DRAWS:
                half = lm.ProfileView.merge_many(side[place] for place in second)
                fails[name] += not contract.judge(half).passed
    print(f"{len(images)} photographs of {options.size}, contracts of half of them; failed:")
    print(f"  {'the half it was made of':28} {own} of {options.draws}")
    for name, count in fails.items():
        draws = options.draws if name == "as they are" else min(_CORRUPTED_DRAWS, options.draws)
        print(f"  {'the other half, ' + name:28} {count} of {draws}")


if __name__ == "__main__":
    main()
