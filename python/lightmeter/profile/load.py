"""One view of a profile, in whatever form it is at hand."""

import errno
import os

from lightmeter.profile.log import ResultSet
from lightmeter.profile.profile import Profile
from lightmeter.profile.view import ProfileView

ProfileLike = ProfileView | Profile | ResultSet | str | os.PathLike[str]


def view_of(profile: ProfileLike) -> ProfileView:
    """Return the view of a profile, of a result of `log` or `log_image`, or of a file.

    Args:
        profile: a `ProfileView`, a `Profile`, a `ResultSet`, or the path of a ``.lmp`` file.

    Raises:
        TypeError: it is something else.
        OSError: the file cannot be read.
        DecodeError: the file holds no whole profile.
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
        return ProfileView.read(profile)
    raise TypeError(
        f"got a {type(profile).__name__}; expected a Profile, a ProfileView, a ResultSet, or the "
        "path of a profile file"
    )
