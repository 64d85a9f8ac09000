"""Profile images at close to the speed of decoding; merge the profiles, and see what drifted."""

from lightmeter._core import __version__
from lightmeter.batch import profile_images
from lightmeter.drift import DriftReport, FeatureDrift, compare
from lightmeter.errors import (
    DecodeError,
    ImageError,
    IncompatibleError,
    LightmeterError,
    StoreError,
)
from lightmeter.exif import ExifPolicy
from lightmeter.failure import Failure
from lightmeter.limits import Limits
from lightmeter.log import ResultSet, log, log_image
from lightmeter.meter import ImageMeter
from lightmeter.monitor import RollingLogger, Store, logger
from lightmeter.profile import ColumnView, FrequentItem, Profile, ProfileView

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
