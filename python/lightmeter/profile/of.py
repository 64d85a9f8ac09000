"""One view of a profile, in whatever form it is at hand."""

import errno
import os

from lightmeter.image.exif import DEFAULT_POLICY, ExifPolicy
from lightmeter.profile.cells import is_row_file
from lightmeter.profile.log import ResultSet
from lightmeter.profile.profile import Profile
from lightmeter.profile.rows import profile_rows
from lightmeter.profile.view import ProfileView

__all__ = ["ProfileLike", "view_of"]

ProfileLike = ProfileView | Profile | ResultSet | str | os.PathLike[str]


def view_of(
    profile: ProfileLike, *, exif: ExifPolicy = DEFAULT_POLICY, keep: int = 0
) -> ProfileView:
    """The view of a profile, of a result of `log` or `log_image`, or of a file.

    Args:
        profile: a `ProfileView`, a `Profile`, a `ResultSet`, or the path of a ``.lmp`` file, or of
            one of rows (.csv, .jsonl, .parquet), see `profile_rows`.
        exif: the policy that the images of rows were measured under.
        keep: how many of these rows to keep in the profile.

    Raises:
        TypeError: it is something else.
        OSError: the file cannot be read.
        DecodeError: the file holds no whole profile, or rows that are none.
        ImportError: Parquet needs pyarrow, and that is not installed.
    """
    if isinstance(profile, ProfileView):
        return profile
    if isinstance(profile, Profile | ResultSet):
        return profile.view()
    if isinstance(profile, str | os.PathLike):
        if os.path.isdir(profile):
            raise IsADirectoryError(
                errno.EISDIR, "a folder is no profile; measure it first: profile_images", profile
            )
        return (
            profile_rows(profile, exif=exif, keep=keep)
            if is_row_file(profile)
            else ProfileView.read(profile)
        )
    raise TypeError(
        f"got a {type(profile).__name__}; expected a Profile, a ProfileView, a ResultSet, or the "
        "path of a profile file"
    )
