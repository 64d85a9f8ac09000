"""Profiles: small, mergeable summaries of many measurements and values."""

from lightmeter.profile.profile import Profile
from lightmeter.profile.view import ColumnView, FrequentItem, ProfileView

__all__ = ["ColumnView", "FrequentItem", "Profile", "ProfileView"]
