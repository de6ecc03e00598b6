"""Installs the JavaScript SDK as its lock file says, and runs programs that use it."""

import fcntl
import shutil
import subprocess
from pathlib import Path

from harness.processes import ROOT, clean_environment
from outrigger_loadtests.faults.programs import program

PROJECT = ROOT / "tests" / "end_to_end" / "sdk" / "javascript"
KEPT = ROOT / ".javascript"
LOCK_FILE = "package-lock.json"


def kept_packages() -> Path:
    """A folder with the packages, installed when they are not there or others are locked."""
    KEPT.mkdir(exist_ok=True)
    installed = KEPT / "installed-from.json"
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        locked = (PROJECT / LOCK_FILE).read_bytes()
        if not installed.exists() or installed.read_bytes() != locked:
            installed.unlink(missing_ok=True)
            for name in ("package.json", LOCK_FILE):
                shutil.copy(PROJECT / name, KEPT / name)
            words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run([program("npm"), *words], cwd=KEPT, check=True, capture_output=True)
            installed.write_bytes(locked)
    return KEPT


def run_program(file: Path, *arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a program beside the packages, as modules are looked up from where a file lies."""
    copied = shutil.copy(file, kept_packages() / file.name)
    return subprocess.run(
        [program("node"), str(copied), *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
