"""Asks the packages themselves, and says how often they decide as the rules of judges.py do.

python bench/drift_power/ask.py                      # installs four virtual environments
python bench/drift_power/ask.py whylogs evidently    # some of them
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
sys.path.append(str(Path(__file__).parents[1] / "drift_calibration"))

import numpy as np
import sources
import venvs
from judges import JUDGES, Seen, Side
from shifts import shifted_sets

HERE = Path(__file__).parent
PEERS = ("whylogs", "evidently", "deepchecks", "dataeval")
SIZE = 50  # images on either side


def gray_and_coloured() -> list[sources.Dataset]:
    gray = sources.drawn()
    tints = np.random.default_rng(4).uniform(0.3, 1, (len(gray.images), 1, 1, 3))
    return [gray, gray._replace(images=(gray.images * tints).astype(np.uint8))]


def pairs(data: sources.Dataset) -> list[tuple[Side, Side]]:
    """Each shift once, and as often nothing."""
    apart, references, targets = np.split(data.images, (300, 1200))
    rng = np.random.default_rng(3)
    stack, sets = shifted_sets(targets, data.labels[1200:], rng)
    seen = Seen(np.concatenate([references, stack]), apart)
    drawn = []
    for places in (places for places in sets.values() if len(places) >= SIZE):
        reference = Side(seen, rng.choice(len(references), SIZE, replace=False))
        changed = len(references) + rng.choice(places, SIZE, replace=False)
        drawn.append((Side(seen, changed), reference))
        both = rng.choice(len(references), 2 * SIZE, replace=False)
        drawn.append((Side(seen, both[:SIZE]), Side(seen, both[SIZE:])))
    return drawn


def main(peers: list[str]) -> None:
    asked = [pair for data in gray_and_coloured() for pair in pairs(data)]
    python3_11 = shutil.which("python3.11") or sys.executable
    with tempfile.TemporaryDirectory() as folder:
        files = {"images": Path(folder) / "images.npz", "numbers": Path(folder) / "numbers.npz"}
        images = [[side.pixels.reshape(SIZE, 28, 28, -1) for side in pair] for pair in asked]
        np.savez(files["images"], *images)
        np.savez(files["numbers"], *([side.numbers for side in pair] for pair in asked))
        for peer in peers:
            python = venvs.ready(
                f"power-{peer}", f"drift_power/requirements-{peer}.txt", python3_11
            )
            file = files["numbers" if peer == "evidently" else "images"]
            said = subprocess.run(
                [python, HERE / "peers" / f"ask_{peer}.py", file],
                check=True,
                capture_output=True,
                text=True,
            )
            for name, answers in json.loads(said.stdout.splitlines()[-1]).items():
                ours = [JUDGES[name](*pair) for pair in asked]
                same = sum(map(bool.__eq__, ours, answers))
                print(
                    f"{name}: {same} of {len(ours)} decisions are the same; drift "
                    f"{sum(answers)} times by the package, {sum(ours)} by the rule",
                    flush=True,
                )


if __name__ == "__main__":
    main(sys.argv[1:] or list(PEERS))
