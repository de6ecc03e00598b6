"""What a load test runs on, as its report says it: two reports are compared with it in mind."""

import os
import platform
from importlib.metadata import version


def environment_here() -> dict[str, str]:
    """Return what a figure depends on: the machine and the versions; no host, no user."""
    cores = len(os.sched_getaffinity(0))
    return {
        "system": f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "cores": str(cores),
        "python": platform.python_version(),
        "locust": version("locust"),
    }
