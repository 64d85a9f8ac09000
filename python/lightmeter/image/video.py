"""Videos: frames at even times out of a file or a stream, by PyAV, which is FFmpeg's libraries.

A file names nothing that is opened: only demuxers of one file are allowed, which get its bytes and
no protocol. Sides, streams and memory are bounded before anything is decoded.
"""

import ctypes
import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain, pairwise
from typing import Any

from PIL import Image

from lightmeter.errors import ImageError
from lightmeter.image.decoders import decoder
from lightmeter.image.encoded import Opened, most_pixels, open_encoded
from lightmeter.image.failure import image_error
from lightmeter.image.frame import Frame
from lightmeter.image.header import Facts
from lightmeter.image.limits import DEFAULT_LIMITS, check_frames, check_size
from lightmeter.image.motion import SIDE, Motion
from lightmeter.image.reading import Reading
from lightmeter.times import to_utc

_FILES = "mov,matroska,avi,mpegts,mpeg"  # demuxers that follow no name
_STREAMS, _PROTOCOLS = "rtsp,mpegts", "rtp,udp,tcp,tls"
_TIMEOUT = 10.0  # seconds until a stream that says nothing is taken for broken
_MOST_PIXELS = 1 << 25  # of a frame: 8K, of which a decoder holds up to 17
_MOST_STREAMS = 16
_MOST_ALLOCATED = 1 << 27  # bytes at once, as for an index of a day of 60 frames a second
_GROUP_PACKETS, _GROUP_BYTES = 600, 16 << 20  # that wait until it is known whether one is wanted
_REORDERED = 32  # frames at most that are decoded before one that is shown earlier
_GAP = 2.5  # frames
_ROUNDING = 1e-6  # seconds


@dataclass(frozen=True)
class Clip:
    """A part of a video file, from one second of it up to another; as a path it is the file."""

    path: str
    begin: float
    end: float

    def __fspath__(self) -> str:
        """Return the path of the file."""
        return self.path


@cache
def pyav() -> Any:
    """Import PyAV, and bound the memory that FFmpeg takes at once in this process.

    Raises:
        ImageError: it is not installed.
    """
    try:
        import av
    except ImportError:
        text = "video needs PyAV: pip install 'lightmeter[video]'"
        raise ImageError("unsupported", text) from None
    # What a table says of the number of frames takes memory before one of them is read.
    ctypes.CDLL(av._core.__file__).av_max_alloc(ctypes.c_size_t(_MOST_ALLOCATED))
    return av


def video_frames(
    file: Opened, reading: Reading, begin: float = 0.0, end: float = math.inf
) -> Iterator[Frame]:
    """Yield the frames of a video file that `Reading.every` asks for, as far as they are whole.

    Facts of the file come with the first frame, and those of its times with the last one.

    Raises:
        ImageError: it is no video that is read here, or has no frame in this part.
    """
    with _opened(file) as container:
        if begin > 0:
            container.seek(int(begin * 1_000_000))
        facts: Facts = {"Format": file.format, "FileSize": file.size}
        yield from _Video(container, reading, Motion(), facts).frames(begin, end)


def stream_frames(
    address: str, reading: Reading, motion: Motion, offset: float
) -> Iterator[Frame]:
    """Yield the frames of a stream until it breaks, as `video_frames` does.

    Args:
        address: such as ``rtsp://camera/1``.
        reading: how to read it.
        motion: of the frames before it broke.
        offset: seconds to add to its times for `motion`.

    Raises:
        ImageError: it cannot be opened, or broke.
    """
    try:
        with _opened(address, _STREAMS, _PROTOCOLS, timeout=_TIMEOUT) as container:
            yield from _Video(container, reading, motion, {}, offset).frames()
    except Exception as error:
        raise image_error(error, otherwise="unreadable") from None


def span_of(path: str) -> tuple[datetime | None, float]:
    """Return when a video file says that it begins, and its seconds; 0 where it does not say.

    Raises:
        ImageError: it is no video that is read here.
    """
    with open_encoded(path, DEFAULT_LIMITS) as file, _opened(file) as container:
        text = container.metadata.get("creation_time", "")
        seconds = (container.duration or 0) / 1_000_000
    try:
        return to_utc(datetime.fromisoformat(text)), seconds
    except ValueError:
        return None, seconds


def _opened(source: Any, demuxers: str = _FILES, protocols: str = "file", **more: Any) -> Any:
    av = pyav()
    options = {
        "format_whitelist": demuxers,
        "protocol_whitelist": protocols,
        "max_streams": str(_MOST_STREAMS),
        "max_pixels": str(_MOST_PIXELS),
        "rtsp_transport": "tcp",
    }
    if not isinstance(source, str):
        source.seek(0)
        more |= {"io_open": _refuse, "buffer_size": 1 << 18}
    try:
        return av.open(source, options=options, metadata_errors="replace", **more)
    except Exception as error:
        raise image_error(error) from None


def _refuse(url: str, *_: Any) -> Any:
    raise ImageError("unsupported", "a video that names other files")


class _Video:
    """The first video stream of a container, and which of its frames are wanted."""

    def __init__(
        self, container: Any, reading: Reading, motion: Motion, facts: Facts, offset: float = 0.0
    ) -> None:
        stream = container.streams.best("video")
        context = stream and stream.codec_context
        if not context or not context.format:
            raise ImageError("unsupported", "no video that this FFmpeg decodes")
        check_size(context.width, context.height, reading.limits)
        if context.width * context.height > min(_MOST_PIXELS, most_pixels(reading.limits)):
            raise ImageError("too_large", f"{context.width}x{context.height} pixels")
        bits = context.format.components[0].bits
        if bits > 8 and reading.value_range is not None:
            raise ImageError("unsupported", f"video of {bits} bits, of which 8 are decoded")
        context.thread_count, context.options = 1, {"max_pixels": str(_MOST_PIXELS)}
        self._container, self._stream, self._context = container, stream, context
        self._reading, self._motion, self._offset = reading, motion, offset
        self._base = float(stream.time_base)
        self._start = stream.start_time or 0
        self._every = 0.0 if reading.frames == "all" else reading.seconds
        self._wanted = 0.0  # the next time that a frame is wanted of
        self._undecoded = self._gaps = self._repeats = 0
        self._rate = float(stream.guessed_rate or stream.average_rate or 0)
        self._decoder = decoder(str(facts.get("Format", "stream")), "av")
        self._mode = "gray" if context.format.name.startswith("gray") else "rgb24"
        self._facts: Facts = {**facts, "Codec": context.name, "BitDepth": bits}
        self._facts["FrameRate"] = self._rate or None

    def frames(self, begin: float = 0.0, end: float = math.inf) -> Iterator[Frame]:
        """Yield the frames that are wanted; the last one waits until the times are known."""
        self._wanted = self._next(begin - _ROUNDING) if self._every else begin
        before, count = None, 0
        for frame in self._decoded():
            seconds = self._seconds(frame)
            if seconds >= end - _ROUNDING:
                break
            if seconds < self._wanted - _ROUNDING:
                continue
            count += 1
            if self._every:
                self._wanted = self._next(seconds + _ROUNDING)
            else:
                check_frames(count, self._reading.limits)
            if before is not None:
                yield before
            before = self._frame(frame, seconds)
        if before is None:
            raise ImageError("empty", "no frame that can be decoded")
        times: Facts = {"TimeGaps": self._gaps, "TimeRepeats": self._repeats}
        times["UndecodedPackets"] = self._undecoded
        yield before._replace(facts={**(before.facts or {}), **times})

    def _next(self, seconds: float) -> float:
        """Return the first of the even times behind one."""
        return (math.floor(seconds / self._every) + 1) * self._every

    def _seconds(self, frame: Any) -> float:
        return math.inf if frame.pts is None else (frame.pts - self._start) * self._base

    def _frame(self, frame: Any, seconds: float) -> Frame:
        check_size(frame.width, frame.height, self._reading.limits)  # which may change
        picture = Image.fromarray(frame.to_ndarray(format=self._mode))
        small = frame.reformat(SIDE, SIDE, "gray", interpolation="AREA").to_ndarray()
        facts, self._facts = self._facts, {}
        facts |= self._motion.facts(small, seconds + self._offset)
        return Frame(picture, None, facts, self._decoder, seconds=seconds)

    def _decoded(self) -> Iterator[Any]:
        """Decode what is needed of the frames that are wanted: groups of pictures that have one.

        Of these, what no other frame needs is passed over as well. What is damaged is counted.
        """
        is_fresh = True
        for group, after in pairwise(chain(self._groups(), [[]])):
            # Frames behind the next key frame that are shown before it belong to this group.
            shown = [p for p in after if p.pts is not None and p.pts < (after[0].pts or 0)]
            times = [self._seconds(packet) for packet in (*group, *shown)]
            is_part = not group[0].is_keyframe or len(group) >= _GROUP_PACKETS
            if max(times) < self._wanted - _ROUNDING and not is_part:
                if not is_fresh:
                    self._context.flush_buffers()
                is_fresh = True
                continue
            is_fresh = False
            for packet in group:
                is_wanted = self._seconds(packet) >= self._wanted - _ROUNDING
                self._context.skip_frame = "DEFAULT" if is_wanted else "NONREF"
                yield from self._frames_of(packet)
        self._context.skip_frame = "DEFAULT"
        yield from self._frames_of(None)

    def _frames_of(self, packet: Any) -> Iterable[Any]:
        try:
            return self._context.decode(packet)  # type: ignore[no-any-return]
        except MemoryError:
            raise
        except pyav().error.FFmpegError:
            self._undecoded += 1
            return []

    def _groups(self) -> Iterator[list[Any]]:
        """Yield packets from one key frame up to the next, in parts if they are many."""
        group: list[Any] = []
        size = 0
        for packet in self._packets():
            is_full = len(group) >= _GROUP_PACKETS or size >= _GROUP_BYTES
            if group and (packet.is_keyframe or is_full):
                yield group
                group, size = [], 0
            group.append(packet)
            size += packet.size
        if group:
            yield group

    def _packets(self) -> Iterator[Any]:
        """Yield the packets, and count the gaps and repeats of their times, in order."""
        waiting: list[int] = []
        last = None
        for packet in self._demuxed():
            if packet.pts is not None:
                if len(waiting) < _REORDERED:
                    heapq.heappush(waiting, packet.pts)
                else:
                    last = self._count(last, heapq.heappushpop(waiting, packet.pts))
            yield packet
        for _ in range(len(waiting)):
            last = self._count(last, heapq.heappop(waiting))

    def _demuxed(self) -> Iterator[Any]:
        try:
            yield from (p for p in self._container.demux(self._stream) if p.size)
        except pyav().error.FFmpegError:
            if self._container.file is None:  # a stream, which may go on
                raise
            self._undecoded += 1

    def _count(self, last: int | None, pts: int) -> int:
        if last is not None:
            self._repeats += pts == last
            self._gaps += (pts - last) * self._base * self._rate > _GAP
        return pts
