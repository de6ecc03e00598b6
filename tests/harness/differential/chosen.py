"""The differences that are meant, each with the decision it follows; any other one is a fault."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from harness.differential.compare import Difference


@dataclass(frozen=True, slots=True)
class Chosen:
    """A difference that is meant, by patterns of the shell; `[` has no meaning in them.

    `step` is a number or None for any; `official` and `ours` are matched with what the servers
    said, as Python would show it.
    """

    decision: str
    cases: str
    place: str
    step: int | None = None
    official: str = "*"
    ours: str = "*"

    def covers(self, difference: Difference) -> bool:
        return (
            _like(difference.case, self.cases)
            and self.step in (None, difference.step)
            and (_like(difference.place, self.place) or _like(difference.place, f"{self.place}.*"))
            and _like(str(difference.official), self.official)
            and _like(str(difference.ours), self.ours)
        )


def _like(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def first_covering(difference: Difference, table: Sequence[Chosen]) -> Chosen | None:
    """The first line of the table that means this difference."""
    return next((line for line in table if line.covers(difference)), None)


def unlisted(found: Iterable[Difference], table: Sequence[Chosen]) -> list[Difference]:
    """The differences that nobody chose."""
    return [each for each in found if first_covering(each, table) is None]


def outdated(found: Sequence[Difference], table: Sequence[Chosen]) -> list[Chosen]:
    """The lines of the table for which no difference is left."""
    return [line for line in table if not any(map(line.covers, found))]
