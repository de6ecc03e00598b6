"""What the process gets from the manifest: variables and import paths."""

import sys
from pathlib import Path

from outrigger_server.graphs.environment import add_import_paths, give_environment


def test_what_the_process_has_already_wins_and_is_named():
    environ = {"A": "process"}
    assert give_environment({"A": "file", "B": "file"}, environ) == ("A",)
    assert environ == {"A": "process", "B": "file"}


def test_import_paths_come_last_and_once(project: object, tmp_path: Path):
    before = sys.path[:]
    add_import_paths([tmp_path, Path(before[-1]), tmp_path])
    assert sys.path == [*before, str(tmp_path)]
