"""Checks: one image against the rows of a reference."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import encoded, lightmeter, with_rows
from lightmeter import Profile, ProfileView, check_image, log, log_image, profile_images
from lightmeter.drift.check import Tail, deviation
from lightmeter.drift.row import Label
from lightmeter.errors import ImageError
from PIL import Image, ImageFilter
from videos import write_video, yard

LEVEL = 0.05


def scene(seed: int) -> Image.Image:
    """A field of discs in changing light."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:48, :64]
    image = np.full((48, 64, 3), rng.normal(170, 4)) * [1.0, 0.9, 0.95]
    for _ in range(12):
        disc = (y - rng.uniform(0, 48)) ** 2 + (x - rng.uniform(0, 64)) ** 2 < 36
        image[disc] *= [0.9, 0.6, 0.7]
    return Image.fromarray((image + rng.normal(0, 2, image.shape)).clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def good() -> ProfileView:
    return with_rows((scene(seed) for seed in range(80)), sample=64)


def darker(image: Image.Image) -> Image.Image:
    return image.point(lambda sample: 0.8 * sample)


def test_findings_say_what_and_how_rare(good: ProfileView) -> None:
    check = check_image(darker(scene(100)), good, level=LEVEL)
    finding = next(f for f in check.findings if f.feature == "image.Brightness.mean")
    assert finding.tail_probability == pytest.approx(1 / 81)
    assert finding.sentence.startswith("the image is darker: brightness (1")
    assert finding.sentence.endswith(
        " is lower than in all 80 images of the reference (155.4 or more)"
    )


def test_hues_are_judged_on_their_circle() -> None:
    rng = np.random.default_rng(0)
    reds = ([200, *rng.integers(20, 40, 2)] for _ in range(64))  # on both sides of 0
    view = with_rows(np.full((4, 4, 3), red, np.uint8) for red in reds)
    assert check_image(np.full((4, 4, 3), [200, 30, 30], np.uint8), view).verdict == "ordinary"
    green = check_image(np.full((4, 4, 3), [30, 200, 30], np.uint8), view)
    assert green.verdict == "unusual"
    (sentence,) = [f.sentence for f in green.findings if "hue" in f.sentence]
    assert "is farther from the mean, " in sentence


def test_numbers_that_go_ill_together_are_found() -> None:
    rng = np.random.default_rng(0)
    ordinary = rng.normal(100, 10, 200)
    values = [
        *np.c_[ordinary, 2 * ordinary + rng.normal(0, 1, 200)].tolist(),
        [105, 211],
        [95, 205],
    ]

    def own(image: np.ndarray) -> dict[str, float]:
        a, b = values.pop(0)
        return {"a": a, "b": b}

    plain = np.full((4, 4), 90, np.uint8)
    view = with_rows([plain] * 200, metrics=[own])
    assert check_image(plain, view, metrics=[own]).verdict == "ordinary"
    odd = check_image(plain, view, metrics=[own])
    assert odd.verdict == "unusual"
    (finding,) = odd.findings
    assert finding.feature in ("image.own.a", "image.own.b")
    how = "high" if finding.feature == "image.own.b" else "low"
    assert finding.sentence.endswith(f" is {how}, given the other numbers of the image")


def test_too_small_a_reference_says_so() -> None:
    none = check_image(darker(scene(1)), log_image([scene(seed) for seed in range(80)]))
    assert (none.verdict, none.p_value, none.rows, none.findings) == ("unknown", None, 0, [])
    assert none.odd
    assert none.why_unknown.startswith("the reference keeps the measurements of 0 images")
    profile = Profile(sample=256)
    profile.track_many(scene(seed) for seed in range(18))
    small = check_image(darker(scene(1)), profile, level=LEVEL)
    assert (small.verdict, small.rows, small.p_value) == ("unknown", 18, pytest.approx(1 / 19))
    assert "of 18 images; profile at least 19 images" in small.why_unknown
    profile.track(scene(18))
    assert check_image(darker(scene(1)), profile, level=LEVEL).verdict == "unusual"


@pytest.mark.parametrize(("images", "is_odd"), [(19, True), (18, False)])
def test_a_number_beyond_all_is_odd_where_that_is_rare_enough(images: int, is_odd: bool) -> None:
    tail = Tail(log(columns={"x": range(images)}).view()["x"], Label("x", "values"))
    assert (tail.odd(99.0, LEVEL) is not None) == is_odd


def test_no_number_is_beyond_all_of_a_reference_that_has_a_greater_one() -> None:
    """Of many numbers a profile keeps a sample, and the least and the greatest."""
    values = np.sort(np.random.default_rng(0).normal(size=200_000))
    tail = Tail(log(columns={"x": values}).view()["x"], Label("x", "values"))
    for value in (values[0] - 1, values[0], values[-2], values[-1], values[-1] + 1):
        finding = tail.odd(value, LEVEL)
        is_beyond = not values[0] <= value <= values[-1]
        assert finding is not None
        assert ("all 200,000 images" in finding.sentence) == is_beyond


def test_what_an_image_lacks_is_not_judged(tmp_path: Path) -> None:
    for seed in range(40):
        scene(seed).save(tmp_path / f"{seed}.jpg", quality=95)
    files = profile_images(tmp_path, sample=256)
    assert "image.FileSize" in files.sample[0]
    with Image.open(tmp_path / "3.jpg") as opened:
        pixels = np.asarray(opened)
    assert check_image(pixels, files, level=LEVEL).verdict == "ordinary"  # no file, no size
    again = encoded("JPEG", Image.fromarray(pixels), quality=50)
    findings = check_image(again, files, level=LEVEL).findings
    assert "image.JpegQuality" in [finding.feature for finding in findings]

    modes = ["L" if seed % 3 == 0 else "RGB" for seed in range(60)]
    mixed = with_rows(scene(seed).convert(mode) for seed, mode in enumerate(modes))
    for mode, rows in (("L", 20), ("RGB", 40)):  # gray pictures have no hue
        check = check_image(scene(99).convert(mode), mixed, level=LEVEL)
        assert (check.verdict, check.rows) == ("ordinary", rows)


def test_rows_are_kept_where_asked_for(tmp_path: Path) -> None:
    for seed in range(6):
        scene(seed).save(tmp_path / f"{seed}.png")
        scene(seed).save(tmp_path / f"{seed} again.png")
    view = profile_images(tmp_path, sample=256)
    assert view == profile_images(tmp_path, sample=256, workers=4)
    assert len(view.sample) == 6  # equal ones once
    assert "image.Hue.mean" not in view.sample[0]
    profile = Profile(sample=3)
    profile.track(scene(1))
    copied = pickle.loads(pickle.dumps(profile))
    copied.track(scene(2))
    assert len(copied.view().sample) == 2


def test_the_set_of_metrics_is_that_of_the_reference() -> None:
    view = with_rows((scene(seed) for seed in range(60)), metrics="camera")
    covered = np.array(scene(99))
    covered[36:, 48:] = 60
    check = check_image(covered, view, level=LEVEL)
    assert check.verdict == "unusual"
    assert "image.Grid.r3c3" in {finding.feature for finding in check.findings}


def test_one_dark_part_may_belong_to_the_composition() -> None:
    def photo(seed: int) -> np.ndarray:
        colours = np.random.default_rng(seed).integers(100, 200, (12, 16, 3), np.uint8)
        return np.kron(colours, np.ones((4, 4, 1), np.uint8))

    view = with_rows(map(photo, range(60)), metrics="camera")
    causes = []
    for image in map(photo, range(60, 80)):
        image[36:, 48:] //= 4
        check = check_image(image, view, level=LEVEL)
        assert check.verdict == "unusual"
        causes += [finding.cause for finding in check.findings]
    assert causes.count("covered") < 2  # another part is dark by chance


def test_wrong_use(good: ProfileView) -> None:
    image = scene(1)
    levels: list[Any] = [1, 0, 1e-320]
    for level in levels:
        with pytest.raises(ValueError, match=f"level is {level};"):
            check_image(image, good, level=level)
    with pytest.raises(ValueError, match=r"images of .left., .right.; expected images of one"):
        check_image(image, log_image({"left": image, "right": image}))
    with pytest.raises(TypeError, match=r"'levle'; did you mean level"):
        check_image(image, good, levle=0.1)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="the reference holds no image"):
        check_image(image, Profile())
    with pytest.raises(TypeError, match="level is 'a'; expected a number between"):
        check_image(image, good, level="a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot measure ProfileView; expected a PIL image"):
        check_image(good, good)  # type: ignore[arg-type]
    with pytest.raises(ImageError, match="got several images"):
        check_image(np.stack([np.asarray(image)] * 2), good, layout="NHWC")
    with pytest.raises(ImageError):
        check_image(b"junk", good)


@pytest.mark.parametrize(
    ("rows", "tails"), [(19, "normal"), (60, "normal"), (19, "heavy"), (60, "heavy"), (19, "own")]
)
def test_p_values_of_exchangeable_rows_are_uniform(rows: int, tails: str) -> None:
    """Correlated and, with three degrees of freedom or one, far from normal."""
    rng = np.random.default_rng(rows)
    names = list("abcdefgh")
    mix = rng.normal(size=(8, 8)) / 2 + 1
    if tails != "own":
        names[:2] = ["Brightness.mean", "Hue.circular_mean"]
    trials = 1000
    below = 0
    for _ in range(trials):
        bag = rng.normal(size=(rows + 1, 8)) @ mix
        if tails != "normal":
            bag /= np.sqrt(rng.chisquare(3 if tails == "heavy" else 1, size=(rows + 1, 1)))
        table = bag.astype(np.float32)
        below += deviation(names, table[:-1], table[-1].tolist(), ())[0] <= LEVEL
    expected = np.floor(LEVEL * (rows + 1)) / (rows + 1)
    assert below / trials == pytest.approx(expected, abs=4 * np.sqrt(expected / trials))


def test_bands_are_judged_and_those_of_the_reference_are_expected() -> None:
    bands = ["DAPI", "GFP"]

    def stack(seed: int) -> np.ndarray:
        return np.asarray(scene(seed))[..., :2]

    stacks = [stack(seed) for seed in range(80)]
    view = with_rows(stacks, sample=64, bands=bands, metrics="camera")
    assert check_image(stack(100), view, bands=bands).rows == 64
    dark = check_image((stack(100) // [1, 2]).astype(np.uint8), view, bands=bands)
    assert dark.verdict == "unusual"
    assert {"image.GFP.mean", "image.GFP.Grid.r0c0.sharpness"} & {
        each.feature for each in dark.findings
    }
    for other in (["DAPI", "RFP"], None):
        with pytest.raises(ValueError, match=r"expected those of the reference, \['DAPI', 'GFP'\]"):
            check_image(stack(100), view, bands=other)


@pytest.mark.parametrize("count", [1.5, "many", None, -1, 5000])
def test_the_size_of_a_sample_is_a_count(count: object) -> None:
    for what in ("sample", "exemplars"):
        with pytest.raises(ValueError, match=f"{what} is {count!r}; expected an integer from 0 to"):
            Profile(**{what: count})


def test_the_command(tmp_path: Path) -> None:
    for name, seeds in {"good": range(60), "same": [5], "bad": [6]}.items():
        (tmp_path / name).mkdir()
        for seed in seeds:
            scene(seed).save(tmp_path / name / f"{seed:02}.png")
    blurred, junk = tmp_path / "bad" / "b.png", tmp_path / "junk.png"
    darker(scene(7).filter(ImageFilter.GaussianBlur(2))).save(blurred)
    junk.write_bytes(b"junk")
    profile_images(tmp_path / "good", sample=256).write(tmp_path / "good.lmp")
    profile_images(tmp_path / "same", sample=256).write(tmp_path / "small.lmp")

    def code(*arguments: str | Path, reference: str = "good.lmp") -> int:
        return lightmeter("check", *arguments, "--reference", tmp_path / reference).returncode

    assert code(tmp_path / "same") == code(tmp_path / "same", reference="good") == 0
    assert code(tmp_path / "bad") == code(tmp_path / "same", junk) == 3
    assert code(tmp_path / "same", reference="small.lmp") == 4
    assert code(tmp_path / "same", reference="none.lmp") == 1
    assert code(tmp_path / "same", "--bands", "DAPI,GFP,RFP") == 2
    arguments = ("check", tmp_path / "bad", junk, "--reference", tmp_path / "good.lmp")
    lines = lightmeter(*arguments).stdout.splitlines()
    assert lines[0].index("is darker") < lines[0].index(" focus") < lines[0].index("; also unusual")
    assert f"{junk}: cannot be measured: " in lines[1]
    assert lines[-4] == "causes (an unusual image can have several): 1 darker, 1 out of focus"
    assert lines[-3] == "1 ordinary, 1 unusual, 0 unknown, 1 failed"
    printed = json.loads(lightmeter(*arguments, "--format", "json").stdout)
    assert (printed["ordinary"], printed["unusual"], printed["failed"]) == (1, 1, 1)
    assert printed["flagged"][0]["findings"][0]["sentence"]


def test_a_video_in_a_folder_is_a_failure_of_its_own(tmp_path: Path, good: ProfileView) -> None:
    pytest.importorskip("av", reason="PyAV is not installed")
    good.write(tmp_path / "good.lmp")
    (tmp_path / "new").mkdir()
    scene(5).save(tmp_path / "new" / "a.png")
    write_video(tmp_path / "new" / "gate.mp4", yard(3))
    done = lightmeter("check", tmp_path / "new", "--reference", tmp_path / "good.lmp")
    assert done.returncode == 3
    assert "gate.mp4: cannot be measured: unsupported: got several images" in done.stdout
