"""Many measurements and values: profiles, small and mergeable."""

from lightmeter.profile.profile import Profile
from lightmeter.profile.view import ColumnView, FrequentItem, ProfileView

__all__ = ["ColumnView", "FrequentItem", "Profile", "ProfileView"]
