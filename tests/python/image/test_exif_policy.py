"""Which Exif tags a profile tracks, and which images count as lacking one."""

from collections.abc import Mapping

from conftest import encoded, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from lightmeter import ExifPolicy, Profile, ProfileView, log_image

CODES = {"Make": 271, "Software": 305, "Artist": 315, "Copyright": 33432}
ARTIST = ExifPolicy(allow={"Artist"})
NO_MAKE = ExifPolicy(deny={"Make"})


def jpeg(tags: Mapping[str, str]) -> bytes:
    codes = {CODES[name]: value for name, value in tags.items()}
    return encoded("JPEG", picture(8, 8), tags=codes)


FULL = jpeg(dict.fromkeys(CODES, "x"))
BARE = jpeg({})


def counts(view: ProfileView, name: str) -> tuple[int, int] | None:
    """Observations and missing ones of a tag; None where it has no feature."""
    column = view.get_columns().get(f"image.{name}")
    return column and (column.n, column.missing)


def test_personal_tags_are_off_unless_asked_for() -> None:
    assert counts(log_image(FULL).view(), "Artist") is None
    assert counts(log_image(FULL, exif=ARTIST).view(), "Artist") == (1, 0)
    assert counts(log_image(FULL, exif=ARTIST).view(), "Copyright") is None
    assert counts(log_image(FULL, exif=NO_MAKE).view(), "Make") is None
    both = ExifPolicy(allow={"Artist"}, deny={"Artist"})
    assert counts(log_image(FULL, exif=both).view(), "Artist") is None


NAMES = st.sets(st.sampled_from(sorted(CODES)))
POLICIES = st.builds(ExifPolicy, allow=NAMES, deny=NAMES)


@settings(max_examples=40, derandomize=True)
@given(st.lists(st.tuples(st.sets(st.sampled_from(sorted(CODES))), POLICIES), min_size=1))
def test_missing_values_are_right_for_any_mix(images: list[tuple[set[str], ExifPolicy]]) -> None:
    merged = ProfileView.merge_many(
        log_image(jpeg(dict.fromkeys(tags, "x")), exif=policy).view() for tags, policy in images
    )
    again = ProfileView.from_bytes(merged.to_bytes())
    assert again == merged
    assert again.exif_policies == merged.exif_policies
    assert set(again.exif_policies) == {policy for _, policy in images}
    for name in CODES:
        tracked = [name in tags for tags, policy in images if name not in policy.withheld]
        expected = (len(tracked), tracked.count(False)) if any(tracked) else None
        assert counts(merged, name) == expected, name


def test_policies_of_newer_versions_are_kept() -> None:
    profile = Profile()
    profile._core.log_file("image", None, {"Invented": 1}, None, ["Invented"], ["Later"])
    view = ProfileView.from_bytes(profile.view().to_bytes())
    (policy,) = view.exif_policies
    assert (policy.allow, policy.deny) == ({"Invented"}, {"Later"})
    assert counts(view, "Invented") == (1, 0)
