"""Makes the base image from Debian's packages, where no registry can be reached."""

import shutil
import subprocess
from pathlib import Path

from outrigger_loadtests.faults.programs import program

SUITE = "bookworm"
PACKAGES = (
    *("python3", "python3-venv", "ca-certificates", "wget", "redis-server", "postgresql"),
    *("nginx-light", "prometheus", "prometheus-alertmanager"),
)
HOST_FILES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")
"""With which a build reaches the package index as this machine does."""


def root_file_system(folder: Path) -> Path:
    """Make one with all programs that the stand-ins need; takes a minute or two."""
    root = folder / "root"
    command = [program("debootstrap"), "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    done = subprocess.run([*command, SUITE, str(root)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (root / "usr" / "local" / "bin" / "python").symlink_to("/usr/bin/python3")
    for name in HOST_FILES:
        if Path(name).exists():
            (root / name.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, root / name.lstrip("/"))
    shutil.rmtree(root / "var" / "cache" / "apt", ignore_errors=True)
    return root
