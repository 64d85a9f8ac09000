"""False alarms of a camera's monitors in a good scene, and which faults they find by name.

The scene is drawn: a yard with a wall, a tree in the wind, clouds, passing cars with lights at
night, a lamp, automatic exposure and noise. Each hour is a video of a frame a second.

python bench/drift_calibration/camera.py --hours 124
"""

import argparse
import math
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import lightmeter as lm
import numpy as np
from lightmeter.monitor.recommended import write_monitors
from scipy.ndimage import gaussian_filter

WIDTH, HEIGHT, MARGIN = 320, 180, 40
SECONDS = 3600
START = datetime(2025, 5, 1, tzinfo=UTC)
FAULTS: dict[str, Callable[[Any, Any], Any]] = {
    "frozen": lambda frame, before: before,
    "black": lambda frame, _: np.zeros_like(frame),
    "covered": lambda frame, _: gaussian_filter(frame, 25) * 0.2 + 12,
    "out of focus": lambda frame, _: gaussian_filter(frame, 3),
    "moved": lambda frame, _: np.roll(frame, (9, 14), (0, 1)),
}


class Scene:
    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        shape = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN

        def noise(sigma: float, height: float) -> Any:
            return gaussian_filter(rng.normal(0, 1, shape), sigma) * sigma * height

        y, x = np.mgrid[: shape[0], : shape[1]] / np.reshape(shape, (2, 1, 1))
        texture = noise(0.7, 14) + noise(2, 18) + noise(8, 30)
        self.ground = np.clip(140 - 60 * y + np.where(y > 0.3, texture, noise(20, 6)), 5, 250)
        self.ground[65:130, 50:130] = 95
        self.ground[75:85, 60:120:12] = 30
        self.leaves = noise(1.2, 60)
        self.tree = gaussian_filter(((y > 0.2) & (y < 0.5) & (x > 0.65) & (x < 0.9)) * 1.0, 4)
        self.lamp = np.exp(-(((x - 0.4) / 0.15) ** 2) - ((y - 0.7) / 0.16) ** 2)
        self.cloud, self.wind, self.phase, self.gain = 0.0, 1.0, 0.0, 1.0
        self.car = self.speed = math.inf

    def frame(self, hour: float) -> Any:
        """The next second, at an hour of the day."""
        rng = self.rng
        self.cloud = 0.98 * self.cloud + 0.04 * rng.normal()
        self.wind = max(0.1, 0.95 * self.wind + 0.06 + 0.15 * rng.normal())
        self.phase += 1 + 0.3 * rng.normal()
        sway = self.wind * np.array([1.5, 2.5]) * np.sin([self.phase, 0.7 * self.phase])
        leaves = np.roll(self.leaves, sway.round().astype(int), (0, 1))
        scene = self.ground + self.tree * leaves
        sun = 1 / (1 + math.exp(-8 * (math.sin((hour - 6) / 12 * math.pi) - 0.05)))
        day = sun * math.exp(0.25 * self.cloud)
        scene = scene * (day + 0.035 + 0.35 * (1 - sun) * self.lamp)
        if self.car > WIDTH and rng.random() < 1 / 40:
            self.car, self.speed = -30.0, rng.uniform(10, 60)
        if self.car <= WIDTH:
            left = MARGIN + int(self.car)
            scene[170:188, left : left + 36] = 70 * day + 8
            if sun < 0.3:
                scene[176:182, left + 32 : left + 36] = 400
            self.car += self.speed
        self.gain += 0.3 * (min(6.0, 110 / max(scene.mean(), 1.0)) - self.gain)
        scene = scene * self.gain**0.7
        scene = scene + rng.normal(0, 1.2 + 2 * max(0.0, self.gain - 1) ** 0.7, scene.shape)
        return np.clip(scene[MARGIN:-MARGIN, MARGIN:-MARGIN], 0, 255)


def log_hour(folder: Path, scene: Scene, hour: int, fault: str = "") -> None:
    """Log a video of an hour, of which a fault begins after a sixth."""
    path, at, before = folder / "hour.mp4", START + timedelta(hours=hour), None
    encoder = {"crf": "28", "g": "60", "preset": "veryfast"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1, options=encoder)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for second in range(SECONDS):
            frame = scene.frame(hour % 24 + second / 3600)
            if fault and second >= SECONDS / 6:
                frame = FAULTS[fault](frame, before)
            before = frame
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.astype(np.uint8), "gray")))
        container.mux(stream.encode())
    lm.log_folder(folder / "s.db", path, "gate", at=at, every="1h", writer=f"{hour}")


def main(folder: Path, hours: int) -> None:
    scene = Scene(0)
    faults = {hours + 48 + 6 * at: name for at, name in enumerate(2 * [*FAULTS])}
    for hour in (*range(hours), *faults):
        log_hour(folder, scene, hour, faults.get(hour, ""))
        if hour == 23:
            with lm.Store(folder / "s.db") as store:
                write_monitors(store, "gate", folder / "m.toml")
    found = defaultdict[int, Counter[str]](Counter)
    for result in lm.watch(folder / "s.db", folder / "m.toml", now=datetime.now(UTC)).results:
        if result.state == "anomaly":
            name = result.words.partition(": ")[0]
            hour = (result.bucket - START) // timedelta(hours=1)
            found[hour][name if name in FAULTS else result.monitor] += 1
    print("false alarms:", {hour: dict(found[hour]) for hour in sorted(found) if hour < hours})
    for hour, name in faults.items():
        print(f"{name} at {hour % 24}:", dict(found[hour]), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=124, help="of a good scene; a day is learnt")
    hours = parser.parse_args().hours
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary), hours)
