"""Undoes in the process what importing a user's files changes in it."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def imports_undone(folder: Path) -> Iterator[None]:
    """Give the process its paths and variables back, and forget the modules below `folder`."""
    paths, environ, modules = sys.path[:], dict(os.environ), set(sys.modules)
    yield
    sys.path[:] = paths
    os.environ.clear()
    os.environ.update(environ)
    for name in set(sys.modules) - modules:
        places = [getattr(sys.modules[name], "__file__", None) or ""]
        places += getattr(sys.modules[name], "__path__", [])
        if any(Path(place).is_relative_to(folder) for place in places if place):
            del sys.modules[name]
