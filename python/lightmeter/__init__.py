"""Profile images at close to the speed of decoding; merge the profiles, and see what drifted."""

from lightmeter._core import __version__
from lightmeter.batch import profile_images
from lightmeter.drift import FeatureDrift
from lightmeter.errors import (
    DecodeError,
    ImageError,
    IncompatibleError,
    LightmeterError,
    StoreError,
)
from lightmeter.image.exif import ExifPolicy
from lightmeter.image.failure import Failure
from lightmeter.image.limits import Limits
from lightmeter.image.meter import ImageMeter
from lightmeter.profile import ColumnView, FrequentItem, Profile, ProfileView
from lightmeter.profile.log import ResultSet, log, log_image
from lightmeter.report import DriftReport, compare
from lightmeter.store import Store
from lightmeter.writers import RollingLogger, logger

__all__ = [
    "ColumnView",
    "DecodeError",
    "DriftReport",
    "ExifPolicy",
    "Failure",
    "FeatureDrift",
    "FrequentItem",
    "ImageError",
    "ImageMeter",
    "IncompatibleError",
    "LightmeterError",
    "Limits",
    "Profile",
    "ProfileView",
    "ResultSet",
    "RollingLogger",
    "Store",
    "StoreError",
    "__version__",
    "compare",
    "log",
    "log_image",
    "logger",
    "profile_images",
]
