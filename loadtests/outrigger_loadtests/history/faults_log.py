"""The log of whoever injects faults: a line of JSON for each, in seconds of the wall clock.

    {"name": "kill worker", "began": 1700000000.25, "ended": 1700000000.5}

`ended` may be left out for a fault that was over at once.
"""

from pathlib import Path
from typing import Annotated

import msgspec

from outrigger_loadtests.errors import UnreadableFaults
from outrigger_loadtests.history.operations import Faulted

_NANOSECONDS = 1_000_000_000
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Moment = Annotated[float, msgspec.Meta(ge=0, le=4_000_000_000)]


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: _Name
    began: _Moment
    ended: _Moment | None = None


_decoder = msgspec.json.Decoder(_Line)


def read_faults(path: Path, lead: int = 0) -> list[Faulted]:
    """Return the faults of a log; the wall clock is so many nanoseconds ahead of the client's.

    Raises:
        UnreadableFaults: A line is no fault; says which one and what is wrong with it.
        OSError: The file cannot be read.
    """
    return [_fault(line, lead) for line in _lines(path)]


def _fault(line: _Line, lead: int) -> Faulted:
    ended = line.began if line.ended is None else line.ended
    began, ended = (round(each * _NANOSECONDS) - lead for each in (line.began, ended))
    return Faulted(thread="", name=line.name, invoked=began, completed=ended)


def _lines(path: Path) -> list[_Line]:
    found = []
    for number, written in enumerate(path.read_bytes().splitlines(), 1):
        try:
            line = _decoder.decode(written)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise UnreadableFaults(number, str(error)) from error
        if line.ended is not None and line.ended < line.began:
            raise UnreadableFaults(number, "it ended before it began - at `$.ended`")
        found.append(line)
    return found
