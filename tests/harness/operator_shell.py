"""Carries out commands of the documents as an operator would, in a shell and word for word."""

import os
import subprocess
import sys
from pathlib import Path

from harness.processes import clean_environment
from outrigger_loadtests.faults.programs import program

SECONDS = 60


def carried_out(commands: str, **variables: str) -> str:
    """Run commands until one fails, and return what they said.

    Our programs and PostgreSQL's are on the path; the variables are those the document names.
    """
    folders = [Path(sys.executable).parent, Path(program("postgres")).parent]
    path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env=clean_environment(PATH=path, **variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout
