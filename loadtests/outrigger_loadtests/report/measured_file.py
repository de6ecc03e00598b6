"""`measures.json`: what a run measured, for `report` and `compare`. Its schema is version 1."""

from pathlib import Path

import msgspec

from outrigger_loadtests.errors import UnreadableReport
from outrigger_loadtests.report.measures import Measures

MEASURES = "measures.json"
SCHEMA = "outrigger-loadtest/measures/1"


class _File(msgspec.Struct, frozen=True, tag_field="schema", tag=SCHEMA):
    measures: Measures


def measures_json(measures: Measures) -> bytes:
    """Return the file."""
    return msgspec.json.encode(_File(measures)) + b"\n"


def read_measures(folder: Path) -> Measures:
    """Return what the run in a folder measured; nothing when it has no such file.

    Raises:
        UnreadableReport: The file is none of ours.
    """
    path = folder / MEASURES
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File).measures
    except FileNotFoundError:
        return Measures()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableReport(path, str(error)) from error
