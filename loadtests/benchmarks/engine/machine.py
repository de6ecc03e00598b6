"""What was measured on, and with which versions."""

import os
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from outrigger_loadtests.faults.programs import program

OURS = ("langgraph-outrigger", "langgraph", "langgraph-checkpoint", "uvicorn", "uvloop")
SAVERS = ("langgraph-checkpoint-sqlite", "langgraph-checkpoint-postgres")
OFFICIAL = ("langgraph-cli", "langgraph-api", "langgraph-runtime-inmem", "langgraph")
ASK = """\
import json, sys
from importlib.metadata import version
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


def machine() -> dict[str, Any]:
    """Return the machine's size, systems, and how busy it is now."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_before": os.getloadavg(),
    }


def versions(official: Path) -> dict[str, Any]:
    """Return the versions of everything compared; `official` is a virtual environment."""
    return {
        "ours": {name: version(name) for name in (*OURS, *SAVERS)},
        "official": orjson.loads(_said([str(official / "bin" / "python"), "-c", ASK, *OFFICIAL])),
        "postgres": _said([program("postgres"), "--version"]),
        "redis": _said([program("redis-server"), "--version"]),
        "python": sys.version,
    }


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
