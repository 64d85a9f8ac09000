"""The shifts of "Failing Loudly" (Rabanser, Günnemann, Lipton 2019), with their parameters.

Left out: adversarial examples, which need a trained network. As in the paper's program a change
of pictures strikes 10, 50 or 100 % of the test set before the sample is drawn, a knock-out takes
that share of class 0 away, or only class 0 is left. Ours are the two in `PLACES`: they change
where things are and no pixel's value, so they tell what a tool knows of places.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Images = NDArray[np.uint8]
Indices = NDArray[np.int64]
Change = Callable[[np.random.Generator, Images], Images]

SHARES = {"10 %": 0.1, "50 %": 0.5, "100 %": 1.0}


def noise(spread: float) -> Change:
    def change(rng: np.random.Generator, images: Images) -> Images:
        noisy = images + rng.normal(0, spread, images.shape)
        return np.rint(np.clip(noisy, 0, 255)).astype(np.uint8)

    return change


def moved(degrees: float, shift: float, shear: float, zoom: float, *flips: int) -> Change:
    """Keras' `ImageDataGenerator`: each parameter is uniform up to the given one.

    `shift` is a share of the side, `shear` in degrees, `flips` are the axes that are mirrored in
    every second picture. Pixels from outside are those of the nearest edge.
    """

    def change(rng: np.random.Generator, images: Images) -> Images:
        out = images.astype(np.float32)
        middle = (np.array(images.shape[1:3]) - 1) / 2
        for image in out:
            turn, lean = np.radians([rng.uniform(-degrees, degrees), rng.uniform(-shear, shear)])
            rotation = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
            leaning = [[1, -np.sin(lean)], [0, np.cos(lean)]]
            matrix = np.array(rotation) @ leaning @ np.diag(rng.uniform(1 - zoom, 1 + zoom, 2))
            step = rng.uniform(-shift, shift, 2) * image.shape[:2]
            offset = middle - matrix @ middle + np.array(rotation) @ step
            for channel in range(image.shape[2]):
                image[..., channel] = ndimage.affine_transform(
                    image[..., channel], matrix, offset, order=1, mode="nearest"
                )
            for axis in flips:
                if rng.random() < 0.5:
                    image[:] = np.flip(image, axis).copy()
        return np.rint(out).astype(np.uint8)

    return change


CHANGES: dict[str, Change] = {
    "small noise": noise(1),
    "medium noise": noise(10),
    "large noise": noise(100),
    "small image shift": moved(10, 0.05, 0.1, 0.1),
    "medium image shift": moved(40, 0.2, 0.2, 0.2, 1),
    "large image shift": moved(90, 0.4, 0.3, 0.4, 0, 1),
}
PLACES: dict[str, Change] = {
    "mirrored": lambda _, images: images[:, :, ::-1],
    "moved by 2 pixels, around the edge": lambda _, images: np.roll(images, (2, 2), (1, 2)),
}


def shifted_sets(images: Images, labels: Indices, rng: np.random.Generator) -> tuple[Images, dict]:
    """A stack of pictures, and for each shift the places in it that make up its test set.

    The stack holds `images`, then each change of all of them.
    """
    count = len(images)
    changes = CHANGES | PLACES
    stack = np.concatenate([images, *(change(rng, images) for change in changes.values())])
    plain = np.arange(count)
    struck_first = rng.permutation(count)
    first = {name: count * (at + 1) for at, name in enumerate(changes)}

    def struck(change: str, share: float) -> Indices:
        places = plain.copy()
        some = struck_first[: round(share * count)]
        places[some] += first[change]
        return places

    def knocked_out(places: Indices, share: float) -> Indices:
        zeros = np.flatnonzero(labels == 0)
        return np.delete(places, rng.permutation(zeros)[: round(share * len(zeros))])

    sets: dict[str, Indices] = {}
    for share_name, share in SHARES.items():
        sets[f"knock-out, {share_name}"] = knocked_out(plain, share)
    for change in CHANGES:
        for share_name, share in SHARES.items():
            sets[f"{change}, {share_name}"] = struck(change, share)
    for share_name, share in SHARES.items():
        mixed = struck("medium image shift", 0.5)
        sets[f"medium image shift, 50 %, and knock-out, {share_name}"] = knocked_out(mixed, share)
    for share_name, share in SHARES.items():
        mixed = struck("medium image shift", share)
        sets[f"only class 0, medium image shift, {share_name}"] = mixed[labels == 0]
    for change in PLACES:
        sets[change] = struck(change, 1)
    return stack, sets
