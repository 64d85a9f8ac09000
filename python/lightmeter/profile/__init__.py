"""Many measurements and values: profiles, small and mergeable."""

from lightmeter.profile.profile import ColumnView, FrequentItem, Profile, ProfileView

__all__ = ["ColumnView", "FrequentItem", "Profile", "ProfileView"]
