"""What the numbers of Exif's enumerations mean (Exif 2.32, TIFF 6.0)."""

__all__ = ["ENUMERATIONS", "flash"]

_LEVELS = {0: "normal", 1: "low", 2: "high"}
_ILLUMINANTS = {
    0: "unknown",
    1: "daylight",
    2: "fluorescent",
    3: "tungsten",
    4: "flash",
    9: "fine weather",
    10: "cloudy",
    11: "shade",
    12: "daylight fluorescent",
    13: "day white fluorescent",
    14: "cool white fluorescent",
    15: "white fluorescent",
    16: "warm white fluorescent",
    17: "standard light A",
    18: "standard light B",
    19: "standard light C",
    20: "D55",
    21: "D65",
    22: "D75",
    23: "D50",
    24: "ISO studio tungsten",
    255: "other",
}
_RESOLUTION_UNITS = {1: "none", 2: "inch", 3: "cm"}

ENUMERATIONS: dict[str, dict[int, str]] = {
    "CalibrationIlluminant1": _ILLUMINANTS,
    "CalibrationIlluminant2": _ILLUMINANTS,
    "ColorSpace": {1: "sRGB", 2: "Adobe RGB", 0xFFFF: "uncalibrated"},
    "CompositeImage": {0: "unknown", 1: "no", 2: "general", 3: "captured when shooting"},
    "Compression": {
        1: "none",
        2: "CCITT RLE",
        3: "CCITT T.4",
        4: "CCITT T.6",
        5: "LZW",
        6: "JPEG (old)",
        7: "JPEG",
        8: "deflate",
        32773: "PackBits",
        32946: "deflate (old)",
        34712: "JPEG 2000",
        34892: "lossy JPEG",
        34925: "LZMA",
        50000: "Zstandard",
        50001: "WebP",
    },
    "Contrast": {0: "normal", 1: "soft", 2: "hard"},
    "CustomRendered": {0: "normal", 1: "custom"},
    "ExposureMode": {0: "auto", 1: "manual", 2: "auto bracket"},
    "ExposureProgram": {
        0: "not defined",
        1: "manual",
        2: "program",
        3: "aperture priority",
        4: "shutter priority",
        5: "creative",
        6: "action",
        7: "portrait",
        8: "landscape",
    },
    "ExtraSamples": {0: "unspecified", 1: "associated alpha", 2: "unassociated alpha"},
    "FileSource": {0: "others", 1: "transparent scanner", 2: "reflex scanner", 3: "digital camera"},
    "FillOrder": {1: "high bit first", 2: "low bit first"},
    "FocalPlaneResolutionUnit": _RESOLUTION_UNITS | {4: "mm", 5: "um"},
    "GainControl": {
        0: "none",
        1: "low gain up",
        2: "high gain up",
        3: "low gain down",
        4: "high gain down",
    },
    "GPSAltitudeRef": {0: "above sea level", 1: "below sea level"},
    "GPSDifferential": {0: "none", 1: "corrected"},
    "LightSource": _ILLUMINANTS,
    "MeteringMode": {
        0: "unknown",
        1: "average",
        2: "center-weighted",
        3: "spot",
        4: "multi-spot",
        5: "multi-segment",
        6: "partial",
        255: "other",
    },
    # Where the first row and the first column are seen, and what brings the picture upright.
    "Orientation": {
        1: "upright",
        2: "mirrored",
        3: "rotate 180",
        4: "mirrored, rotate 180",
        5: "mirrored, rotate 270 CW",
        6: "rotate 90 CW",
        7: "mirrored, rotate 90 CW",
        8: "rotate 270 CW",
    },
    "PhotometricInterpretation": {
        0: "white is zero",
        1: "black is zero",
        2: "RGB",
        3: "palette",
        4: "transparency mask",
        5: "CMYK",
        6: "YCbCr",
        8: "CIELAB",
        9: "ICCLAB",
        32803: "color filter array",
        34892: "linear raw",
    },
    "PlanarConfiguration": {1: "chunky", 2: "planar"},
    "Predictor": {1: "none", 2: "horizontal", 3: "floating point"},
    "ResolutionUnit": _RESOLUTION_UNITS,
    "SampleFormat": {1: "unsigned", 2: "signed", 3: "float", 4: "undefined"},
    "Saturation": _LEVELS,
    "SceneCaptureType": {0: "standard", 1: "landscape", 2: "portrait", 3: "night"},
    "SceneType": {1: "directly photographed"},
    "SensingMethod": {
        1: "not defined",
        2: "one-chip color area",
        3: "two-chip color area",
        4: "three-chip color area",
        5: "color sequential area",
        7: "trilinear",
        8: "color sequential linear",
    },
    "SensitivityType": {
        0: "unknown",
        1: "SOS",
        2: "REI",
        3: "ISO speed",
        4: "SOS and REI",
        5: "SOS and ISO speed",
        6: "REI and ISO speed",
        7: "SOS, REI and ISO speed",
    },
    "Sharpness": {0: "normal", 1: "soft", 2: "hard"},
    "SubjectDistanceRange": {0: "unknown", 1: "macro", 2: "close", 3: "distant"},
    "WhiteBalance": {0: "auto", 1: "manual"},
    "YCbCrPositioning": {1: "centered", 2: "co-sited"},
}

_FLASH_RETURN = {2: "return not detected", 3: "return detected"}
_FLASH_MODE = {1: "on", 2: "off", 3: "auto"}


def flash(bits: int) -> str:
    """The parts of the Flash tag: fired, return light, mode, function, red-eye reduction."""
    parts = ["fired" if bits & 1 else "not fired"]
    if mode := _FLASH_MODE.get(bits >> 3 & 3):
        parts.append(mode)
    if bits & 0x20:
        parts.append("no flash function")
    if light := _FLASH_RETURN.get(bits >> 1 & 3):
        parts.append(light)
    if bits & 0x40:
        parts.append("red-eye reduction")
    return ", ".join(parts)
