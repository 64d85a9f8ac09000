"""As its README has it, with one process in place of one for each core."""

import matplotlib
from cleanvision import Imagelab
from peer_tasks import Task, answer, files, items, run  # noqa: F401 (worker.py)

matplotlib.use("Agg")


def prepare(case, data):
    if case == "report":
        lab = find_issues(files("640x480 JPEG", data))
        return Task(report, [lab], lambda _: {"pages": 1.0})
    return Task(find_issues, files(case, data), lambda lab: {"pictures": float(len(lab.issues))})


def find_issues(given):
    lab = Imagelab(data_path=str(given[0].parent))
    lab.find_issues(n_jobs=1)
    return lab


def report(given):
    given[0].report()
    matplotlib.pyplot.close("all")
