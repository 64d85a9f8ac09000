"""False alarms of a bucket over all its segments, and of one segment beside its peers.

    python bench/drift_calibration/segments.py [buckets]

Drift monitors with `segments = true` at q = 1 %, 300 cameras with 10 features each, 100 images a
bucket, 28 past buckets. No change of any size is too small to count. The numbers go through the
rule itself (`DriftRule.tested` and `decide`) and through what peers share (`without_common`),
without a store. Printed are the share of buckets with any alarm in any camera, where nothing
changes; with an alarm of the camera that changed by one standard deviation in one feature; and
with an alarm of any other camera, if one changed by three in all features.
"""

import sys

import numpy as np
from lightmeter import log
from lightmeter.monitor.peers import without_common
from lightmeter.monitor.rules import DriftRule
from lightmeter.monitor.shelf import (
    MEAN,
    MEDIAN,
    OTHERS,
    STDDEV,
    VALUES,
    Contents,
    N,
    Past,
    Side,
    Summary,
)
from lightmeter.store.tables import Bucket

CAMERAS, FEATURES, PAST, IMAGES = 300, 10, 28, 100
NAMES = tuple(f"f{index}" for index in range(FEATURES))
ANY = log(columns={name: [0.0, 1.0] for name in NAMES}).view()
# Standard deviations between buckets, in those between images: of all cameras together, of each
# camera by itself, and how much cameras differ in that (of the logarithm). Cameras always differ in
# their levels, by one standard deviation.
WORLDS = {
    "independent": (0.0, 0.0, 0.0),
    "days differ, equally for all": (0.3, 0.0, 0.0),
    "days differ, for each separately": (0.0, 0.3, 0.0),
    "days differ, for some cameras more": (0.3, 0.1, 0.7),
    "bursts of 10": (0.0, (0.09) ** 0.5, 0.0),
}


def summary(mean, stddev):
    made = Summary(ANY._core)
    table = np.zeros((made.table.shape[0], FEATURES))
    table[N] = table[OTHERS] = table[VALUES] = IMAGES
    table[MEAN] = table[MEDIAN] = mean
    table[STDDEV] = stddev
    return made.with_table(NAMES, table)


def drawn(rng, world, shift, changed):
    """Means and standard deviations by bucket, camera and feature; the last bucket is judged."""
    common, own, differing = WORLDS[world]
    shape = PAST + 1, CAMERAS, FEATURES
    scale = own * np.exp(rng.normal(0, differing, (CAMERAS, 1)))
    means = rng.normal(0, 1, shape[1:]) + rng.normal(0, common, (PAST + 1, 1, FEATURES))
    means = means + rng.normal(0, 1, shape) * scale + rng.normal(0, IMAGES**-0.5, shape)
    means[-1, 0, :changed] += shift
    return means, np.exp(rng.normal(0, (2 * IMAGES) ** -0.5, shape))


class Drawn:
    """A shelf that has the buckets of one camera, by their numbers."""

    def __init__(self, buckets):
        self.buckets = buckets

    def in_short(self, dataset, segment, start):
        return self.buckets[start]

    def contents(self, dataset, segment, start):
        return Contents(ANY)


def side(buckets):
    shelf, where = Drawn(buckets), ("d", "")
    return Side(
        shelf, where, Bucket(PAST, PAST + 1, IMAGES, 1, PAST), Past(shelf, where, range(PAST))
    )


def alarms(rng, world, *, peers, shift=0.0, changed=1):
    """Whether a camera without a change has an alarm, and the first camera's first feature."""
    rule = DriftRule(name="m", dataset="d", segments=True, effect=0, spread=0, tail=0)
    means, stddevs = drawn(rng, world, shift, changed)
    sides = {
        f"camera={camera}": side(
            {at: summary(means[at, camera], stddevs[at, camera]) for at in range(PAST + 1)}
        )
        for camera in range(CAMERAS)
    }
    if peers:
        sides, _ = without_common(sides)
    tested = {
        camera: [test for test in rule.tested(each) if not test.is_rate]
        for camera, each in sides.items()
    }
    alarmed = {
        (camera, result.feature)
        for camera, results in rule.decide(tested, {}).items()
        for result in results
        if result.state == "anomaly"
    }
    others = {camera for camera, _ in alarmed} - ({"camera=0"} if shift else set())
    return bool(others), ("camera=0", "f0") in alarmed


def main(buckets):
    rng = np.random.default_rng(0)
    print(f"Per cent of {buckets} buckets with a false alarm; of {buckets // 5} with a found one\n")
    names = "against the past: false | found | others | against peers: false | found | others"
    print(f"| dependence | {names} |\n{'|---' * 7}|")
    for world in WORLDS:
        cells = []
        for peers in (False, True):
            false = [alarms(rng, world, peers=peers)[0] for _ in range(buckets)]
            right = [alarms(rng, world, peers=peers, shift=1.0)[1] for _ in range(buckets // 5)]
            beside = {"shift": 3.0, "changed": FEATURES}
            others = [alarms(rng, world, peers=peers, **beside)[0] for _ in range(buckets // 5)]
            cells += [f"{100 * np.mean(each):.1f}" for each in (false, right, others)]
        print(f"| {world} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 150)
