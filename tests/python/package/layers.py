"""Which room may use which, for test_architecture.py and the picture of the rooms."""

GROUND = {"_core", "errors", "files", "nesting", "quiet", "sketch", "testing", "text", "times"}

# A room may use those below it: the ones named here and everything that they may use.
ROOMS = {
    "ground": "",
    "image": "ground",
    "profile": "image",
    "batch": "profile",
    "drift": "profile",
    "store": "profile",
    "whylogs": "drift",
    "draw": "ground",
    "report": "draw drift",
    "viz": "report",
    "writers": "batch store",
    "monitor": "drift store",
    "alerts": "monitor draw",
    "openmetrics": "monitor",
    "hooks": "report openmetrics",
    "dashboard": "report alerts",
    "run": "alerts",
    "ray": "batch",
    "spark": "batch store",
    "lightmeter": "batch run viz whylogs writers ray spark",
    "demo": "lightmeter dashboard",
    "serve": "dashboard run writers whylogs openmetrics",
    "cli": "demo serve",
    "__main__": "cli",
}

CORE_ROOMS = {
    "kernels": "",
    "wire": "",
    "decode": "kernels wire",
    "measure": "kernels",
    "sketch": "kernels wire",
    "profile": "measure sketch",
    "drift": "sketch",
    "bindings": "decode profile drift",
}
