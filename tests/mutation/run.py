"""Breaks the sketches on purpose, one small way at a time; the C++ tests must notice each.

    python tests/mutation/run.py [NAME ...]

Works on a copy of the sources. Needs cmake, ninja, a compiler and GoogleTest.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SKETCH = Path("cpp/sketch")


class Mutation(NamedTuple):
    name: str
    file: str
    right: str
    wrong: str
    tests: str  # that must fail


MUTATIONS = [
    Mutation(
        "coin fixed",
        "sampled.cpp",
        "coin = coins_.draw()",
        "coin = 2",
        "QuantileError.Variance*",
    ),
    Mutation(
        "pairing lost",
        "sampled.cpp",
        "here.paired ? !here.odd : (coin & 1) != 0",
        "(coin & 1) != 0",
        "QuantileError.Variance*",
    ),
    Mutation(
        "weight off by one",
        "sampled.cpp",
        "merge_run(rising, values, std::uint64_t{1} << h)",
        "merge_run(rising, values, (std::uint64_t{1} << h) + h / 2)",
        "Quantiles.*",
    ),
    Mutation(
        "half of a compaction lost",
        "sampled.cpp",
        "i < end; i += 2",
        "i + 2 < end; i += 2",
        "Quantiles.*",
    ),
    Mutation(
        "one coin key for all",
        "sampled.cpp",
        "coins_.key = mix(key, newest_.values().size());",
        "return;",
        "QuantileError.Variance*",
    ),
    Mutation(
        "errors of the same coins taken as independent",
        "sampled.cpp",
        "same_coins = coins_.key == other.coins_.key",
        "same_coins = false",
        "QuantileError.BoundsAdd*",
    ),
    Mutation(
        "runs at a fixed offset",
        "sampled.hpp",
        "h > base ? coins_.draw(h) : 0",
        "h < 0 ? coins_.draw(h) : 0",
        "QuantileError.Variance*",
    ),
    Mutation(
        "blocks at a fixed offset",
        "quantile_feeder.cpp",
        "sampled.draw_offset(thin_)",
        "0",
        "QuantileError.AMillion*",
    ),
    Mutation(
        "variance charged too low",
        "rank_error.hpp",
        "variance_ += 0.75",
        "variance_ += 0.375",
        "QuantileError.Variance*",
    ),
    Mutation(
        "merging resamples",
        "sampled.cpp",
        "kShare = 0.4",
        "kShare = 4.0",
        "QuantileError.AMillion*",
    ),
    Mutation(
        "half step not charged",
        "quantile_codec.cpp",
        "error.half_step(top)",
        "(void)0",
        "QuantileError.Shipping*",
    ),
    Mutation(
        "first of each block shipped",
        "quantile_codec.cpp",
        "(std::uint64_t{1} << h) / 2; }",
        "h * 0; }",
        "QuantileError.Shipping*",
    ),
    Mutation(
        "a count lost",
        "quantile_feeder.cpp",
        "observed_ += kBlock",
        "observed_ += kBlock - 1",
        "Quantiles.*",
    ),
    Mutation(
        "NaN lost in a merge",
        "quantile_merge.cpp",
        "apart_.nan += other.apart_.nan;",
        "",
        "Quantiles.*",
    ),
    Mutation(
        "a level wrongly called sorted",
        "sampled.cpp",
        "kept.sorted = false",
        "kept.sorted = true",
        "Quantile*",
    ),
    Mutation(
        "counts not summed on reading",
        "quantile_codec.cpp",
        'require(left == 0, "quantile sketch: the weights do not sum to n");',
        "",
        "QuantileCodec.*",
    ),
]


def copy_sources(to: Path) -> None:
    shutil.copy(ROOT / "CMakeLists.txt", to)
    for folder in ("cpp", "tests/cpp", "tests/fuzz"):
        shutil.copytree(ROOT / folder, to / folder)


def build(sources: Path) -> Path:
    options = ("-DLIGHTMETER_BUILD_PYTHON=OFF", "-DLIGHTMETER_BUILD_TESTS=ON")
    folder = sources / "build"
    if not folder.exists():
        command = ["cmake", "-S", sources, "-B", folder, "-G", "Ninja", *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", folder], check=True, stdout=subprocess.DEVNULL)
    return folder / "tests/cpp/lightmeter_tests"


def passes(tests: Path, names: str) -> bool:
    command = [tests, f"--gtest_filter={names}", "--gtest_fail_fast"]
    done = subprocess.run(command, capture_output=True, text=True)
    if "Running 0 tests" in done.stdout:
        raise SystemExit(f"there is no test {names}")
    return done.returncode == 0


def survives(mutation: Mutation, sources: Path) -> bool:
    file = sources / SKETCH / mutation.file
    text = file.read_text()
    if text.count(mutation.right) != 1:
        raise SystemExit(f"{mutation.name}: {mutation.file} does not hold it once; renew the entry")
    file.write_text(text.replace(mutation.right, mutation.wrong))
    try:
        return passes(build(sources), mutation.tests)
    finally:
        file.write_text(text)


def main(names: list[str]) -> int:
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        copy_sources(sources)
        if not passes(build(sources), ":".join({mutation.tests for mutation in MUTATIONS})):
            raise SystemExit("a test fails without any mutation")
        for mutation in MUTATIONS:
            if names and mutation.name not in names:
                continue
            start = time.monotonic()
            survived = survives(mutation, sources)
            survivors += [mutation.name] * survived
            seconds = time.monotonic() - start
            print(f"{'NOT ' * survived}caught: {mutation.name} ({seconds:.0f} s)", flush=True)
    return bool(survivors)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
