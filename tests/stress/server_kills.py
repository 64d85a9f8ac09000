"""The server is killed while others upload. What was acknowledged must be in its store, once."""

import contextlib
import os
import random
import secrets
import tempfile
import threading
import time
from pathlib import Path

import lightmeter as lm
from lightmeter import Profile, Store
from row import Row
from serving import Process
from upload_kills import DAY, IMAGE, Way

NAME = "kill -9 of a server under upload"
REPEATS = 50
UPLOADERS = 3


def _upload(url: str, name: str, stop: threading.Event, seen: dict[str, int]) -> None:
    """Put what grows by one writer, and single profiles; note what was acknowledged."""
    profile, single, seq = Profile(), Profile(), 0
    single.track(IMAGE)
    with Store(url) as store:
        while not stop.is_set():
            profile.track(IMAGE)
            seq += 1
            with contextlib.suppress(lm.errors.StoreError):
                if store.put("cells", profile, at=DAY, writer=name, seq=seq):
                    seen[name] = seq
                    seen["puts"] += 1
            seen["adding"] += 1
            with contextlib.suppress(lm.errors.StoreError):
                store.put("single", single, at=DAY, writer=secrets.token_hex())
                seen["added"] += 1


def run(repeats: int) -> Row:
    """`repeats` kills at random moments."""
    rng, stop = random.Random(1), threading.Event()
    seen = [dict.fromkeys(("puts", "adding", "added"), 0) for _ in range(UPLOADERS)]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LIGHTMETER_SPOOL"] = f"{folder}/spool"
        path = Path(folder, "drift.db")
        server, way = Process(path), Way()
        way.port, way.fine = server.port, True
        uploaders = [
            threading.Thread(target=_upload, args=(way.url, f"w{number}", stop, each))
            for number, each in enumerate(seen)
        ]
        for uploader in uploaders:
            uploader.start()
        for _ in range(repeats):
            time.sleep(rng.uniform(0.1, 1.5))
            server.kill()
            server = Process(path)
            way.port = server.port
        stop.set()
        for uploader in uploaders:
            uploader.join()
        with Store(way.url) as far:
            time.sleep(1)
            done = far.send()
        server.end()
        with Store(path, create=False) as store:
            images = {row.writer: row.images for row in store.stored("cells")}
            single, damage = store.read("single").images, len(store.verify())
    total = {name: sum(each[name] for each in seen) for name in ("puts", "adding", "added")}
    lost = sum(max(0, each.get(f"w{n}", 0) - images[f"w{n}"]) for n, each in enumerate(seen))
    lost += max(0, total["added"] - single)
    doubled = max(0, single - total["adding"])
    note = f"{doubled} doubled, {damage} damaged, {done.left} waiting, {done.refused} refused"
    lost += doubled + damage + done.left + done.refused
    return Row(NAME, repeats, total["puts"] + total["added"], lost, note)
