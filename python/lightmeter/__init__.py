"""Profile images at close to the speed of decoding; merge the profiles, and see what drifted.

A name is imported when it is first asked for, so that ``import lightmeter`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lightmeter._core import __version__ as __version__

if TYPE_CHECKING:
    from lightmeter import alerts as alerts
    from lightmeter import errors as errors
    from lightmeter import interop as interop
    from lightmeter import ray as ray
    from lightmeter import sketch as sketch
    from lightmeter import spark as spark
    from lightmeter import testing as testing
    from lightmeter import viz as viz
    from lightmeter.batch import measure as measure
    from lightmeter.batch import profile_images as profile_images
    from lightmeter.contracts import Contract as Contract
    from lightmeter.contracts import ContractResult as ContractResult
    from lightmeter.drift import FeatureDrift as FeatureDrift
    from lightmeter.drift import Thresholds as Thresholds
    from lightmeter.drift.check import ImageCheck as ImageCheck
    from lightmeter.drift.check import check_image as check_image
    from lightmeter.image.exif import ExifPolicy as ExifPolicy
    from lightmeter.image.failure import Failure as Failure
    from lightmeter.image.limits import Limits as Limits
    from lightmeter.image.meter import ImageMeter as ImageMeter
    from lightmeter.image.reading import Reading as Reading
    from lightmeter.interop.whylogs import read_whylogs as read_whylogs
    from lightmeter.profile import ColumnView as ColumnView
    from lightmeter.profile import Profile as Profile
    from lightmeter.profile import ProfileView as ProfileView
    from lightmeter.profile.log import ResultSet as ResultSet
    from lightmeter.profile.log import log as log
    from lightmeter.profile.log import log_image as log_image
    from lightmeter.profile.segments import SegmentedViews as SegmentedViews
    from lightmeter.report.compare import compare as compare
    from lightmeter.report.report import DriftReport as DriftReport
    from lightmeter.run import watch as watch
    from lightmeter.store import Store as Store
    from lightmeter.writers.folder import log_folder as log_folder
    from lightmeter.writers.logger import logger as logger
    from lightmeter.writers.upload import LightmeterWriter as LightmeterWriter

# Where each name is: what stands above, for the interpreter.
_NAMES = {
    "batch": "measure profile_images",
    "contracts": "Contract ContractResult",
    "drift": "FeatureDrift Thresholds",
    "drift.check": "ImageCheck check_image",
    "image.exif": "ExifPolicy",
    "image.failure": "Failure",
    "image.limits": "Limits",
    "image.meter": "ImageMeter",
    "image.reading": "Reading",
    "interop.whylogs": "read_whylogs",
    "profile": "ColumnView Profile ProfileView",
    "profile.log": "ResultSet log log_image",
    "profile.segments": "SegmentedViews",
    "report.compare": "compare",
    "report.report": "DriftReport",
    "run": "watch",
    "store": "Store",
    "writers.folder": "log_folder",
    "writers.logger": "logger",
    "writers.upload": "LightmeterWriter",
}
_HOMES = {name: f"lightmeter.{home}" for home, names in _NAMES.items() for name in names.split()}
_ROOMS = ("alerts", "errors", "interop", "ray", "sketch", "spark", "testing", "viz")

__all__ = sorted(["__version__", *_HOMES, *_ROOMS])


if not TYPE_CHECKING:  # else every misspelt name would be an Any

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            value = getattr(import_module(_HOMES[name]), name)
        elif name in _ROOMS:
            value = import_module(f"lightmeter.{name}")
        else:
            raise AttributeError(f"module 'lightmeter' has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__
