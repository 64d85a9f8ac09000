"""What a feature means stands in its column: names say nothing, merges agree in any order."""

import itertools
import typing

import lightmeter as lm
import numpy as np
import pytest
from conftest import encoded, picture
from lightmeter.profile.features import Meaning, Origin, Role
from lightmeter.profile.scalars import is_hue, scalar_of
from lightmeter.report.charts.features import feature_chart

ROLES: tuple[Role, ...] = typing.get_args(Role)
ORIGINS: tuple[Origin, ...] = typing.get_args(Origin)
LOOKALIKES = ["dead.pixels", "wind.Hue.mean", "wind.Hue.stddev", "robot.Hue.circular_mean"]
LOOKALIKES += ["robot.Hue.pixels", "order.DateTime", "image.Failure", "image.Colorspace"]


def look_alikes(shift: float = 0.0) -> lm.ProfileView:
    rng = np.random.default_rng(int(shift))
    return lm.log(columns={name: rng.normal(250 + shift, 3, 60) for name in LOOKALIKES}).view()


@pytest.mark.parametrize("name", LOOKALIKES)
def test_a_name_gives_no_meaning(name: str) -> None:
    """As numbers they get a verdict; nothing about them turns, and no day is named."""
    target, reference = look_alikes(20), look_alikes()
    column = target.get_column(name)
    assert (column.kind, column.meaning, column.meaning.family) == ("number", Meaning(), "values")
    line = lm.compare(target=target, reference=reference)[name]
    assert (line.kind, line.role, line.verdict, line.name) == ("number", "plain", "drift", name)
    assert line.level_target == pytest.approx(270, abs=2)
    assert not is_hue(column, "mean")
    assert scalar_of(column, "mean") == line.level_target
    assert scalar_of(column, "median") == pytest.approx(270, abs=2)


def test_the_features_of_an_image() -> None:
    profile = lm.Profile(exif=lm.ExifPolicy(allow={"Artist"}), metrics="all")
    tags = {271: "SONY", 306: "2022:09:07 10:00:00", 315: "somebody"}
    profile.track_many([encoded("JPEG", picture(8, 8), tags=tags), b"junk"])
    profile.log(row={"glare": 1.5})
    found = {name: column.meaning for name, column in profile.view().get_columns().items()}
    assert found["image.FileSize"] == Meaning("plain", "image")
    assert found["image.DateTime"] == Meaning("date", "exif")
    assert found["image.Make"] == Meaning("plain", "exif")
    assert found["image.Artist"] == Meaning("plain", "personal exif")
    assert found["glare"] == Meaning("plain", "value")
    assert {each.family for each in found.values()} == {"image", "Exif", "values"}


def of_meaning(role: Role, origin: Origin, values: list[float]) -> lm.ProfileView:
    profile = lm.Profile()
    profile._core.log_numbers("image.x", np.array(values), role, origin)
    return profile.view()


def test_a_merge_has_the_later_role_and_origin() -> None:
    sides = [(each, of_meaning(*each, [])) for each in itertools.product(ROLES, ORIGINS)]
    for (one, left), (other, right) in itertools.product(sides, repeat=2):
        roles, origins = zip(one, other, strict=True)
        expected = Meaning(max(roles, key=ROLES.index), max(origins, key=ORIGINS.index))
        assert left.merge(right)["image.x"].meaning == Meaning(*one).join(Meaning(*other))
        assert Meaning(*one).join(Meaning(*other)) == expected


def test_every_meaning_can_be_compared_drawn_and_followed() -> None:
    """Whatever a file says, also of columns that no version of lightmeter would write."""
    texts = lm.log(columns={"image.x": ["a", "b"] * 20}).view()
    for role, origin in itertools.product(ROLES, ORIGINS):
        side = of_meaning(role, origin, [1.0, 2.0, 250.0] * 20)
        for other in (side, of_meaning("plain", "value", [5.0] * 20), texts, lm.Profile().view()):
            report = lm.compare(target=side, reference=other)
            assert {line.role for line in report.features} == ({role} - {"hash"})
            feature_chart("image.x", side, other)
        column = side.get_column("image.x")
        assert (scalar_of(column, "median") is None) == column.meaning.is_circular
