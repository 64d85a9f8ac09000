"""How often `compare` names what was done to pictures, and how often it names something else.

python bench/drift_power/causes.py                     # MNIST and Fashion-MNIST
python bench/drift_power/causes.py --photos FOLDER     # photographs of a folder as well
python bench/drift_power/causes.py fashion --draws 5   # one data set, fewer draws

Pictures of MNIST and Fashion-MNIST get the corruptions of `corruptions.py`; photographs get these
and the changes of `CHANGES`, and are saved as JPEG files. The table of causes was made with the
pictures of even places and seed 0; what is printed is of those of odd places and seed 1, which had
no part in it. `ACCEPTED` says which causes are right: where several are, any of them.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "drift_calibration"))

import lightmeter as lm
import numpy as np
import sources
from corruptions import CORRUPTIONS, SEVERITIES, corrupted
from numpy.typing import NDArray
from PIL import Image

Images = NDArray[np.uint8]
Random = np.random.Generator

SIZE = 80  # images on either side
SIDE = 160, 120  # of a photograph
CROPS = 6  # of one photograph
NULLS = 10  # draws where nothing changed, for each other draw

BLUR, NOISE, BRIGHTER, DARKER = "out of focus", "noise", "brighter", "darker"
COVER, GLARE, FADED, COMPRESSED = "covered", "glare", "faded", "compressed"
CAST, HUE, PALE, VIVID, RESIZED = "colour balance", "hue turned", "pale", "vivid", "resized"

# What may be said of each. Frost, snow and drops of water have no cause of their own: they are
# bright, and hide what is behind them. An elastic picture is read between pixels, which blurs it.
ACCEPTED: dict[str, set[str]] = {
    "gaussian noise": {NOISE},
    "shot noise": {NOISE},
    "impulse noise": {NOISE},
    "speckle noise": {NOISE},
    "gaussian blur": {BLUR},
    "defocus blur": {BLUR},
    "glass blur": {BLUR, NOISE},
    "motion blur": {BLUR},
    "zoom blur": {BLUR},
    "snow": {BRIGHTER, FADED, GLARE, NOISE},
    "frost": {BRIGHTER, FADED, GLARE},
    "fog": {FADED, BRIGHTER},
    "spatter": {BRIGHTER, FADED, GLARE, COVER, NOISE},
    "brightness": {BRIGHTER, GLARE},
    "contrast": {FADED},
    "saturate": {PALE, VIVID},
    "jpeg": {COMPRESSED},
    "pixelate": {BLUR, COMPRESSED},
    "elastic": {BLUR},
    "darker": {DARKER},
    "brighter": {BRIGHTER, GLARE},
    "covered": {COVER},
    "capped": {COVER, DARKER},
    "warm cast": {CAST},
    "green cast": {CAST},
    "hue turned": {HUE},
    "paler": {PALE},
    "recompressed": {COMPRESSED},
    "resized": {RESIZED},
    "glare": {GLARE},
    "haze": {FADED},
}


def light(_: Random, x: Images, factor: float) -> Images:
    return x * factor


def covered(rng: Random, x: Images, share: float) -> Images:
    """A dark thing before a corner, of this share of the picture."""
    out = x.copy()
    rows, columns = (round(side * share**0.5) for side in x.shape[1:3])
    (down, right), tone = rng.random(2) < 0.5, rng.uniform(0, 60)
    out[:, -rows:, -columns:] = tone + rng.normal(0, 2, out[:, -rows:, -columns:].shape)
    out = out[:, ::-1] if down else out
    return out[:, :, ::-1] if right else out


def cast(*gains: int) -> Callable[[Random, Images, float], Images]:
    return lambda _, x, by: x * (1 + by * np.array(gains))


def turned(_: Random, x: Images, degrees: float) -> Images:
    out = []
    for picture in x.astype(np.uint8):
        hsv = np.asarray(Image.fromarray(picture).convert("HSV")).astype(int)
        hsv[..., 0] = (hsv[..., 0] + round(degrees * 255 / 360)) % 255
        out.append(np.asarray(Image.fromarray(hsv.astype(np.uint8), "HSV").convert("RGB")))
    return np.stack(out)


def paler(_: Random, x: Images, share: float) -> Images:
    gray = x @ [0.299, 0.587, 0.114]
    return gray[..., None] + share * (x - gray[..., None])


def glare(rng: Random, x: Images, share: float) -> Images:
    """A white spot with a soft edge."""
    rows, columns = np.mgrid[: x.shape[1], : x.shape[2]]
    radius = (share * rows.size / np.pi) ** 0.5
    middles = rng.uniform(0.2, 0.8, (2, len(x), 1, 1))
    away = np.hypot(rows - middles[0] * x.shape[1], columns - middles[1] * x.shape[2])
    spot = np.clip(2 - away / radius, 0, 1)[..., None]
    return x + spot * (255 - x)


def haze(_: Random, x: Images, share: float) -> Images:
    return x + share * (200 - x)


def resized(_: Random, x: Images, share: float) -> Images:
    size = round(x.shape[2] * share), round(x.shape[1] * share)
    return np.stack([np.asarray(Image.fromarray(each.astype(np.uint8)).resize(size)) for each in x])


def same(_: Random, x: Images, __: float) -> Images:
    return x


# Of photographs: a function, and its parameter at each severity.
CHANGES: dict[str, tuple[Callable[[Random, Images, Any], Images], tuple[float, ...]]] = {
    "darker": (light, (0.85, 0.75, 0.65, 0.55, 0.4)),
    "brighter": (light, (1.15, 1.3, 1.45, 1.6, 2.0)),
    "covered": (covered, (0.05, 0.1, 0.2, 0.25, 0.5)),
    "capped": (light, (0.2, 0.15, 0.1, 0.05, 0.02)),
    "warm cast": (cast(1, 0, -1), (0.03, 0.06, 0.1, 0.15, 0.25)),
    "green cast": (cast(-1, 1, -1), (0.02, 0.04, 0.07, 0.1, 0.15)),
    "hue turned": (turned, (4, 8, 12, 20, 40)),
    "paler": (paler, (0.85, 0.7, 0.5, 0.3, 0.0)),
    "recompressed": (same, (60, 45, 30, 20, 10)),
    "resized": (resized, (0.9, 0.75, 0.6, 0.5, 0.35)),
    "glare": (glare, (0.01, 0.03, 0.06, 0.1, 0.15)),
    "haze": (haze, (0.1, 0.2, 0.35, 0.5, 0.7)),
}
QUALITY = 90


class Draw(NamedTuple):
    change: str
    severity: int  # 0 where nothing changed
    report: lm.DriftReport


def photographs(folder: Path) -> Images:
    """Parts of the pictures of a folder, without those that are too small."""
    out = []
    for at, path in enumerate(sorted(folder.rglob("*.jp*g"))):
        picture = Image.open(path).convert("RGB")
        if picture.width < 2 * SIDE[0] or picture.height < 2 * SIDE[1]:
            continue
        rng = np.random.default_rng(at)
        for _ in range(CROPS):
            share = rng.uniform(0.5, 0.9)
            width, height = round(picture.width * share), round(picture.height * share)
            left = rng.integers(0, picture.width - width + 1)
            top = rng.integers(0, picture.height - height + 1)
            part = picture.crop((left, top, left + width, top + height))
            out.append(np.asarray(part.resize(SIDE, Image.Resampling.LANCZOS)))
    return np.stack(out)


def measured(pictures: Images, quality: int | None, metrics: str) -> list[lm.ProfileView]:
    views = []
    for picture in pictures:
        image: Any = picture.squeeze()
        if quality is not None:
            buffer = BytesIO()
            Image.fromarray(image).save(buffer, "JPEG", quality=quality)
            image = buffer.getvalue()
        views.append(lm.log_image(image, metrics=metrics).view())
    return views


def draws_of(
    images: Images, *, draws: int, seed: int, files: bool, metrics: str = "default"
) -> Iterator[Draw]:
    """Compares pictures with others of which some were changed, and with others as they are."""
    rng = np.random.default_rng(seed)
    size = min(SIZE, len(images) // 2)
    some = images[rng.permutation(len(images))[: 4 * SIZE]]
    quality = QUALITY if files else None
    plain = measured(some, quality, metrics)

    def compared(change: str, severity: int, target: list[lm.ProfileView]) -> Iterator[Draw]:
        for _ in range(draws if severity else draws * NULLS):
            order = rng.permutation(len(some))
            sides = (target, order[:size]), (plain, order[size : 2 * size])
            views = [
                lm.ProfileView.merge_many([side[at] for at in places]) for side, places in sides
            ]
            yield Draw(change, severity, lm.compare(target=views[0], reference=views[1]))

    yield from compared("nothing", 0, plain)
    for change in [*CORRUPTIONS, *(CHANGES if files else ())]:
        if change == "saturate" and images.shape[3] == 1:
            continue
        for severity in SEVERITIES:
            if change in CORRUPTIONS:
                changed = corrupted(change, severity, some, rng)
            else:
                function, parameters = CHANGES[change]
                changed = function(rng, some.astype(float), parameters[severity - 1])
                changed = np.rint(changed.clip(0, 255)).astype(np.uint8)
            own = int(CHANGES[change][1][severity - 1]) if change == "recompressed" else quality
            yield from compared(change, severity, measured(changed, own, metrics))


def table(name: str, draws: Iterator[Draw]) -> None:
    """Prints how often the first cause was right, wrong and none."""
    first: Counter[tuple[str, int, str]] = Counter()
    for change, severity, report in draws:
        named = report.causes[0].cause if report.causes else ""
        right = named in ACCEPTED.get(change, ())
        first[change, severity, "right" if right else "wrong" if named else "none"] += 1
    print(f"\n{name}: % of draws with the right cause first / with a wrong one, by severity")
    print("\n| changed | 1 | 2 | 3 | 4 | 5 |")
    print("| --- " * 6 + "|")

    def share(what: str, changes: Mapping[str, object], severities: range) -> float:
        places = [(change, severity) for change in changes for severity in severities]
        asked = sum(first[*place, kind] for place in places for kind in ("right", "wrong", "none"))
        return 100 * sum(first[*place, what] for place in places) / max(asked, 1)

    changes = {change: None for change, severity, _ in first if severity}
    for change in changes:
        each = [
            f"{share('right', {change: 0}, range(at, at + 1)):.0f} / "
            f"{share('wrong', {change: 0}, range(at, at + 1)):.0f}"
            for at in SEVERITIES
        ]
        print(f"| {change} | {' | '.join(each)} |")
    severe, whole = range(3, 6), range(1, 6)
    print(f"\nright first: {share('right', changes, severe):.1f} % of severity 3 to 5, ", end="")
    print(f"{share('right', changes, whole):.1f} % of all")
    print(f"wrong first: {share('wrong', changes, severe):.1f} % of severity 3 to 5, ", end="")
    print(f"{share('wrong', changes, whole):.1f} % of all")
    asked = sum(first["nothing", 0, kind] for kind in ("wrong", "none"))
    print(
        f"nothing changed: a cause in {first['nothing', 0, 'wrong']} of {asked} draws", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        "causes", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("datasets", nargs="*", metavar="mnist|fashion")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", action="append", default=[])
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--fitted", action="store_true", help="those that made the table")
    arguments = parser.parse_args()
    seed = 0 if arguments.fitted else 1
    load = {"mnist": sources.mnist, "fashion": sources.fashion_mnist}
    for name in arguments.datasets or ([] if arguments.photos else load):
        data = load[name]()
        images = data.images[seed::2]
        table(data.name, draws_of(images, draws=arguments.draws, seed=seed, files=False))
    for folder in arguments.photos:
        images = photographs(folder)[seed::2]
        table(folder.name, draws_of(images, draws=arguments.draws, seed=seed, files=True))


if __name__ == "__main__":
    main()
