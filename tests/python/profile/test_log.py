"""log_image: features and their names, and every shape of argument."""

import pytest
from conftest import picture
from lightmeter import ProfileView, log_image
from lightmeter.image.numbers import IMAGE_NUMBERS

HSV = ("Hue", "Saturation", "Brightness")
WHYLOGS_TEN = {f"{name}.{number}" for name in HSV for number in ("mean", "stddev")}
WHYLOGS_TEN |= {"entropy", "ImagePixelWidth", "ImagePixelHeight", "Colorspace"}


def test_features_of_one_image() -> None:
    for metrics, sets in (("default", ("whylogs", "default")), ("whylogs", ("whylogs",))):
        view = log_image(picture(), metrics=metrics).view()
        numbers = {name for name, number in IMAGE_NUMBERS.items() if number.set in sets}
        more = {"Failure", *(f"{name}.pixels" for name in HSV if metrics == "default")}
        assert set(view) == {f"image.{name}" for name in WHYLOGS_TEN | numbers | more}
        assert view.images == 1


def test_a_list_goes_into_one_column_and_a_dict_into_one_each() -> None:
    images = [picture(seed=seed) for seed in range(3)]
    together = log_image(images).view()
    assert together.images == 3
    assert together == ProfileView.merge_many(log_image(image).view() for image in images)
    cameras = log_image({"front": images[0], "back": images[1]}).view()
    assert cameras["front.Hue.mean"].n == cameras["back.Hue.mean"].n == 1
    assert not any(name.startswith("image.") for name in cameras.get_columns())


@pytest.mark.parametrize("value", [None, 5, [picture(), 5], {"a": 5}, {3: picture()}])
def test_what_is_no_image_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match=r"expected a PIL image|got 3 as a name"):
        log_image(value)  # type: ignore[arg-type]
