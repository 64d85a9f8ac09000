import io
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import av
import lightmeter as lm
import numpy as np
import pytest
from conftest import lightmeter
from lightmeter.image import video
from memory import run_and_weigh
from PIL import Image
from videos import write_video, yard

KINDS: dict[str, dict[str, str]] = {
    "mp4 of H.264, B-frames": {"kind": "mp4", "codec": "libx264", "g": "30"},
    "mkv of H.264": {
        "kind": "matroska",
        "codec": "libx264",
        "g": "25",
        "x264-params": "open-gop=1",
    },
    "mp4 of MPEG-4": {"kind": "mp4", "codec": "mpeg4", "g": "12", "bf": "2"},
    "mkv of HEVC, open groups": {
        "kind": "matroska",
        "codec": "libx265",
        "x265-params": "keyint=30:open-gop=1:log-level=none",
    },
    "avi of JPEG": {"kind": "avi", "codec": "mjpeg"},
    "transport stream of MPEG-2": {"kind": "mpegts", "codec": "mpeg2video", "bf": "2"},
    "program stream of MPEG-2": {"kind": "mpeg", "codec": "mpeg2video", "g": "12", "bf": "2"},
}


def video_of(frames: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    write_video(file, frames, **{"kind": "mp4", **options})
    return file.getvalue()


def measured(frames: Any, metrics: Any = "default", **options: Any) -> list[Any]:
    return list(lm.measure([video_of(frames, **options)], metrics=metrics))


def taken(data: bytes, **options: Any) -> list[tuple[float, int]]:
    frames = video.video_frames(
        lm.image.encoded.open_encoded(data, lm.Limits()), lm.Reading(**options)
    )
    return [(round(frame.seconds or 0, 3), hash(frame.image.tobytes())) for frame in frames]


def decoded(data: bytes, every: float) -> list[tuple[float, int]]:
    """The same by decoding all: the first frame at each of the even times or later."""
    found, wanted = [], 0.0
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            seconds = float((frame.pts - (stream.start_time or 0)) * stream.time_base)
            if seconds >= wanted - 1e-6:
                found.append((round(seconds, 3), hash(frame.to_ndarray(format="rgb24").tobytes())))
                wanted = (math.floor((seconds + 1e-6) / every) + 1) * every
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_those_of_the_times_asked_for(kind: str) -> None:
    options = KINDS[kind]
    if options["codec"] not in av.codecs_available:
        pytest.skip(f"no {options['codec']} in this FFmpeg")
    data = video_of(yard(125), rate=25, **options)
    for every, text in ((0.3, "300ms"), (1, "1s"), (2, "2s")):
        assert taken(data, every=text) == decoded(data, every)
    assert len(taken(data, frames="all")) == 125


def test_no_frame_is_lost_where_a_clock_starts_again() -> None:
    again = video_of(yard(120), rate=25, kind="mpegts", codec="libx264", g="25")
    for frames in (31, 32):
        data = video_of(yard(frames), rate=25, kind="mpegts", codec="libx264", g="25") + again
        assert taken(data, every="300ms") == decoded(data, 0.3)


def test_rows_say_when_and_what(tmp_path: Path) -> None:
    path = tmp_path / "gate.mkv"
    write_video(path, yard(20), rate=5)
    first, *_, last = rows = list(lm.measure(path))
    assert [(row["frame"], row["seconds"]) for row in rows] == [(0, 0), (1, 1), (2, 2), (3, 3)]
    of_file = {"Codec": "mpeg4", "FramesPerSecond": 5.0, "Format": "MATROSKA", "BitDepth": 8}
    assert of_file.items() <= {name.removeprefix("image."): x for name, x in first.items()}.items()
    assert {"image.TimeGaps": 0, "image.TimeRepeats": 0, "image.UndecodedPackets": 0}.items() <= (
        last.items()
    )
    assert len(list(lm.measure(path, reading=lm.Reading(every="2s")))) == 2
    done = lightmeter("measure", path, "--frame-every", "2s", "-o", tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text().count("gate.mkv") == 2, done.stderr


def test_a_video_is_one_group_unless_another_is_said(tmp_path: Path) -> None:
    for name in ("a/north.mp4", "a/south.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_video(tmp_path / name, yard(6, seed=len(name)))
    views = lm.profile_images(tmp_path, segment_by={"camera": "path:(north|south)"})
    assert (views.whole.images, views["camera=north"].images) == (12, 6)

    def reason(view: lm.ProfileView) -> str:
        return str(lm.compare(target=view, reference=view)["image.Luma.mean"].reason)

    assert reason(views.whole).startswith("2 groups in the target;")
    paths = sorted(tmp_path.rglob("*.mp4"))
    assert lm.log_image(paths).profile().view().groups == 2
    assert lm.log_image(paths, group="").profile().view().groups == 0
    with lm.logger(store=tmp_path / "s.db", dataset="d") as log:
        for path in paths:
            log.track(path)
    with lm.Store(tmp_path / "s.db") as store:
        assert store.read("d").groups == 2
    assert reason(lm.profile_images(tmp_path, group=lambda path: "")).startswith("shift 0, q 1")


def test_what_is_ignored_of_a_video(tmp_path: Path) -> None:
    """Masks by the name of the file, and alpha, which few codecs have."""
    path = tmp_path / "a.mov"
    frame = np.random.default_rng(0).integers(0, 256, (32, 48, 4)).astype(np.uint8)
    frame[:16, :, 3] = 0
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("qtrle", rate=1)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "argb"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgba")))
        container.mux(stream.encode())
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.eye(32, 48, dtype=np.uint8)).save(tmp_path / "masks/a.png")
    rules: list[tuple[Any, Any]] = [
        ("alpha", frame[..., 3] == 0), (tmp_path / "masks", np.eye(32, 48)), (None, None),
    ]  # fmt: skip
    for ignore, mask in rules:
        view = lm.profile_images(path, ignore=ignore)
        wanted = lm.log_image(frame[..., :3], ignore=mask).view()
        for name in ("image.Brightness.pixels", "image.Sharpness"):
            assert view[name].to_summary_dict() == wanted[name].to_summary_dict()


def test_gaps_and_repeats_of_times_are_counted() -> None:
    times = [0, 1, 2, 3, 14, 15, 16, 20]
    last = measured(yard(8), kind="matroska", rate=5, times=times)[-1]
    assert (last["image.TimeGaps"], last["image.TimeRepeats"]) == (2, 0)


@pytest.mark.parametrize("kind", ["mp4 of MPEG-4", "transport stream of MPEG-2"])
def test_frames_that_ffmpeg_guesses_are_counted_and_not_measured(kind: str) -> None:
    data = bytearray(video_of(yard(60), rate=25, **KINDS[kind]))
    whole = {digest for _, digest in taken(bytes(data), frames="all")}
    for at in (-400, -200, 0, 800):  # not every damage is noticed
        middle = len(data) // 2 + at
        data[middle : middle + 8] = b"\x5a" * 8
    rows = list(lm.measure([bytes(data)], frames="all"))
    assert rows[-1]["image.UndecodedPackets"] >= 1
    assert len(rows) + rows[-1]["image.UndecodedPackets"] == 60
    assert len(whole & {digest for _, digest in taken(bytes(data), frames="all")}) > 20


@pytest.mark.parametrize(
    "encoder",
    [{"codec": "mpeg4", "b": "60000", "g": "12"}, {"codec": "libx264", "crf": "30", "g": "10"}],
    ids=lambda encoder: encoder["codec"],
)
def test_a_frozen_camera_stands_still_though_its_encoder_does_not(encoder: dict[str, str]) -> None:
    *live, still = yard(20)
    rows = measured([*live, *[still] * 100], "camera", **encoder)
    assert len({row["image.PixelHash"] for row in rows[20:]}) > 3
    seconds = [row["image.StillSeconds"] for row in rows]
    assert max(seconds[:20]) <= 2
    assert seconds[-1] >= 90


@pytest.mark.parametrize(("rows", "columns", "shift"), [(0, 0, 0), (6, 3, 6.25), (0, 20, 12.5)])
def test_how_far_a_camera_moved(rows: int, columns: int, shift: float) -> None:
    before, after = list(yard(20)), yard(20, seed=1)
    frames = [*before, *(np.roll(frame, (rows, columns), (0, 1)) for frame in after)]
    shifts = [row["image.Shift"] for row in measured(frames)]
    assert shifts[:21] == [0.0] * 21
    assert shifts[22:] == pytest.approx([shift] * 18, abs=1.6)


def test_another_view_is_one_and_a_car_is_none() -> None:
    before, after = list(yard(15)), [frame[::-1, ::-1] for frame in yard(30, seed=1)]
    assert measured([*before, *after])[-1]["image.Shift"] == 100
    car = np.full_like(before[0], 30)
    rows = measured([*before[:7], car, *before[7:]])
    assert "image.Shift" not in rows[7]  # it has no contrast
    assert {row.get("image.Shift", 0.0) for row in rows} == {0.0}


def test_without_pyav_a_video_is_a_counted_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(tmp_path / "gate.mp4", yard(2))
    monkeypatch.setitem(sys.modules, "av", None)
    video.pyav.cache_clear()
    (failure,) = lm.profile_images(tmp_path).failures
    video.pyav.cache_clear()
    text = "video needs PyAV: pip install 'lightmeter[video]'"
    assert failure == ("gate.mp4", "unsupported", text)


def reasons(data: bytes, **options: Any) -> list[Any]:
    return [row.get("failure") for row in lm.measure([data], **options)]


def test_sides_and_frames_are_bounded() -> None:
    data = video_of(yard(30))
    assert reasons(data, limits=lm.Limits(pixels=1000)) == ["too_large"]
    assert reasons(data, limits=lm.Limits(frames=20), frames="all") == ["too_large"]
    table = bytearray(data)  # of frames that a file of 20 kB does not have
    for name, at in ((b"stsz", 8), (b"stsz", 12), (b"stsc", 16), (b"stts", 12)):
        place = table.find(name) + at
        table[place : place + 4] = (1 if at == 8 else 1 << 30).to_bytes(4, "big")
    assert reasons(bytes(table)) == ["unsupported"]


def test_a_list_of_other_files_is_no_video(tmp_path: Path) -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    write_video(tmp_path / "other.ts", yard(5), codec="mpeg2video", rate=25)
    (tmp_path / "list.mp4").write_text(text.format(tmp_path / "other.ts"))
    (failure,) = lm.profile_images(tmp_path / "list.mp4").failures
    assert failure.reason == "unsupported"


MUTATED = """
import random, sys
import lightmeter as lm
rng = random.Random(0)
for path in sys.argv[1:]:
    whole = open(path, "rb").read()
    for number in range(50):
        data = bytearray(whole)
        if number % 3 == 0:
            del data[rng.randrange(len(data)) :]
        for _ in range(rng.randrange(20)):
            place = rng.randrange(max(1, len(data)))
            data[place : place + rng.choice((1, 4))] = rng.choice((b"\\xff" * 4, b"\\0", b"\\x7f"))
        print(next(lm.measure([bytes(data)], workers=1)).get("failure", "measured"))
"""


def test_damaged_files_are_counted_in_bounded_memory(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.video" for number in range(4)]
    for path, kind in zip(paths, KINDS, strict=False):
        path.write_bytes(video_of(yard(10), **KINDS[kind]))
    words, megabytes = run_and_weigh(MUTATED, *paths)
    assert megabytes < 500
    found = Counter(words)
    assert found.total() == 200
    assert found["measured"] > 20
    assert found["corrupt"] > 20
