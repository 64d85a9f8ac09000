"""Calls of profile_images that cannot be meant: they are refused, in words that say what to do."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from lightmeter import ExifPolicy, measure, profile_images
from shards import pictures, table_of, write_folder

PIXELS = np.zeros((9, 9, 3), np.uint8)
SAMPLE = {"image": PIXELS, "number": 1, "image.Hue.mean": 1.5}
ONE = table_of(pictures(1))
POLICY = ExifPolicy(allow={"GPSLatitude"}, deny={"Software"})
SOURCES: list[tuple[Any, dict[str, Any], str]] = [
    (pa.table({"a": [b"x"], "b": [b"y"]}), {}, "has 2 columns of images"),
    (pa.table({"a": ["x"]}), {}, "has 0 columns of images"),
    (ONE, {"column": "gone"}, "expected one of bytes"),
    (ONE, {"values": ["speed"]}, "no value 'speed' in table"),
    ("photos", {"values": ["speed"]}, "no value 'speed' in files; only tables"),
    ("photos", {"group": "column:x"}, "no value 'x' in files"),
    ("m.csv", {}, r"m.csv has 0 columns .* of paths in path, .*; it has a, b"),
    ("m.csv", {"column": "a", "values": ["c"]}, "no value 'c' in .*m.csv; it has a, b"),
    ([(PIXELS, "cat", 2.5)], {"values": ["a", "b", "c"]}, "no value 'c' in the first sample"),
    ([SAMPLE], {"values": ["lable"]}, "no value 'lable' in the first sample"),
    ([SAMPLE], {"column": "left"}, "no value 'left' in the first sample"),
    ([SAMPLE], {"values": ["image.Hue.mean"]}, "which is measured of images"),
    ("nonsense://bucket/a.png", {}, "Protocol not known"),
    (5, {}, "got a int; expected a path"),
    ({"train": 1, "test": 2}, {}, "got a dict; expected a path, a table, such as one split"),
    (b"a.jpg", {}, "got a bytes; expected a path"),
    (PIXELS, {}, "got a ndarray; .* use lightmeter.log_image"),
    (["a.jpg", PIXELS], {}, "expected str, bytes or os.PathLike object, not ndarray"),
    ([], {"workers": "all"}, "workers is 'all'; expected an integer"),
    ("photos", {"workers": 0}, "workers is 0"),
    ("photos", {"worker": 2}, "'worker'; did you mean workers?"),
    ("photos", {"segment": {}}, "'segment'; did you mean segment_by?"),
    ([], {"executor": "gpu"}, "executor is 'gpu'; expected one of threads, processes"),
    ("photos", {"group": "folder:x"}, "source of segments"),
    ("photos", {"group": 3}, "expected a function"),
]
SEGMENTS: list[tuple[Any, str]] = [
    ({"a": "path:("}, r"expression '\(' is not understood"),
    ({"a": "path:(.)(.)"}, "has 2 groups; expected at most one"),
    ({"a": "exif:GPSLatitude"}, "'GPSLatitude' is unknown, personal or denied"),
    ({"a": "exif:Software"}, "'Software' is unknown, personal or denied"),
    ({"a": "exif:Modell"}, "'Modell' is .*; did you mean Model"),
    ({"a": "folder:x"}, "got 'folder:x' as the source of segments"),
    ({"": "path:x"}, "empty key"),
    ({"a": 3}, "expected strings as keys and values"),
    ({}, "expected a function, or a dict such as"),
    (lambda path: 3, "returned 3; expected a string, None"),
]
CALLS = [*SOURCES, *(("photos", {"segment_by": by, "exif": POLICY}, says) for by, says in SEGMENTS)]


@pytest.mark.parametrize(("source", "options", "words"), CALLS)
def test_what_cannot_be_meant_is_refused(
    source: Any, options: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_folder(Path("photos"), pictures(1))
    Path("m.csv").write_text("a,b\nphotos/a/00.png,2\n")
    with pytest.raises((TypeError, ValueError), match=words):
        profile_images(source, **options)
    if not options:
        with pytest.raises((TypeError, ValueError), match=words):
            list(measure(source))
