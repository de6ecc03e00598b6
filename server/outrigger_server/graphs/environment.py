"""Gives the process what langgraph.json asks for: environment variables and import paths.

The one place that writes `os.environ` and `sys.path`. Both are for the users' graphs; our own
settings are read before this.
"""

import os
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path

from outrigger_telemetry.secret_files import open_secrets
from outrigger_telemetry.setting_names import FILE, FOREIGN_SECRETS


def give_environment(
    values: Mapping[str, str], environ: MutableMapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Set each variable that the process does not have yet; name those it kept.

    A value that the process was started with wins over the file, so that an operator can
    change one deployment without editing what the image carries.
    """
    kept = tuple(name for name in values if name in environ)
    for name, value in values.items():
        environ.setdefault(name, value)
    return kept


def give_secrets(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set what SDKs and graphs look for and a file holds; the server's own secrets stay there.

    A file that cannot be read is left to whoever reads the settings, and says what is wrong.
    """
    opened = open_secrets(environ).environ
    for name in FOREIGN_SECRETS:
        if name + FILE in environ and name in opened:
            environ[name] = opened[name]
            del environ[name + FILE]


def add_import_paths(directories: Iterable[Path]) -> None:
    """Let Python find modules in `directories`, after everything it finds already.

    Appended, never put first: a file of a graph called `json.py` or `server.py` must not take
    the place of a module that we or our libraries import.
    """
    for directory in directories:
        if str(directory) not in sys.path:
            sys.path.append(str(directory))
