"""A candidate beside its base: promises first, figures after them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from outrigger_loadtests.errors import UsageError
from outrigger_loadtests.report.capacity_json import CapacityVerdict
from outrigger_loadtests.report.comparison.figures import figures_of_capacity, figures_of_times
from outrigger_loadtests.report.comparison.rule import LEAST_REPEATS, Change, Figure, change_of
from outrigger_loadtests.report.measures import Measures
from outrigger_loadtests.report.outcome import Parameter
from outrigger_loadtests.report.text import NOTHING, one_line
from outrigger_loadtests.report.verdict_json import Document
from outrigger_loadtests.verdict import Verdict

LONGEST_TOLD = 40  # characters of a parameter


class Exit(IntEnum):
    """What the command ends with."""

    SAME = 0
    WORSE = 1
    BROKEN = 3
    UNKNOWN = 4


@dataclass(frozen=True)
class Outcome:
    """What one run left: its verdict and its measures."""

    document: Document
    measures: Measures


@dataclass(frozen=True)
class Compared:
    """One figure of both; without a base or a candidate it could not be compared."""

    name: str
    base: Figure | None
    candidate: Figure | None
    change: Change


@dataclass(frozen=True)
class Comparison:
    """What came of it. `broken` are promises, with their strategy, that only the candidate broke.

    `doubts` say why nothing can be told, empty when something can.
    """

    broken: Sequence[str]
    figures: Sequence[Compared]
    doubts: Sequence[str]

    @property
    def exit_code(self) -> Exit:
        """A broken promise is worse than a loss, a loss worse than doubt."""
        if self.broken:
            return Exit.BROKEN
        if any(each.change is Change.WORSE for each in self.figures):
            return Exit.WORSE
        return Exit.UNKNOWN if self.doubts else Exit.SAME


def compare(base: Outcome, candidate: Outcome) -> Comparison:
    """Compare two runs that were told to do the same.

    Raises:
        UsageError: They were not; says what differs.
    """
    _must_be_alike(base.document, candidate.document)
    figures = list(_figures(base, candidate))
    return Comparison(
        broken=[each for each in _broken(candidate.document) if each not in _broken(base.document)],
        figures=figures,
        doubts=[*_doubts(base.document, candidate.document), *_unsure(figures)],
    )


def _must_be_alike(base: Document, candidate: Document) -> None:
    if (base.capacity is None) != (candidate.capacity is None):
        raise UsageError("one is a check and the other a capacity test; compare like with like")
    if base.parameters_hash == candidate.parameters_hash:
        return
    names = dict.fromkeys([*base.parameters, *candidate.parameters])
    told = [
        f"{name} {_told(base.parameters, name)} and {_told(candidate.parameters, name)}"
        for name in names
        if base.parameters.get(name, NOTHING) != candidate.parameters.get(name, NOTHING)
    ]
    hashes = f"{base.parameters_hash} and {candidate.parameters_hash}"
    raise UsageError(
        f"they were not told to do the same ({hashes}): {', '.join(told) or 'unknown'}"
    )


def _told(parameters: dict[str, Parameter], name: str) -> str:
    return one_line(str(parameters.get(name, NOTHING)), LONGEST_TOLD)


def _broken(document: Document) -> list[str]:
    """Return every promise that was broken, with the strategy."""
    return [
        f"{invariant.name} {result.label}"
        for invariant in document.invariants
        for result in invariant.results
        if result.verdict is Verdict.FAIL
    ]


def _figures(base: Outcome, candidate: Outcome) -> Iterator[Compared]:
    ours, theirs = _figures_of(base), _figures_of(candidate)
    for name in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(name), theirs.get(name)
        change = change_of(one, other) if one and other else Change.UNKNOWN
        yield Compared(name, one, other, change)


def _figures_of(outcome: Outcome) -> dict[str, Figure]:
    capacity = outcome.document.capacity
    found = (
        figures_of_times(outcome.measures) if capacity is None else figures_of_capacity(capacity)
    )
    return {each.name: each for each in found}


def _doubts(base: Document, candidate: Document) -> Iterator[str]:
    for name, each in (("the base", base), ("the candidate", candidate)):
        if each.verdict is Verdict.UNKNOWN and not _only_measured(each):
            yield f"{name} came to no verdict"
        if each.stopped_early:
            yield f"{name} was stopped early"
        if each.capacity is not None and each.capacity.verdict is CapacityVerdict.INCONCLUSIVE:
            yield f"{name} is inconclusive"


def _only_measured(document: Document) -> bool:
    """Whether it is a capacity test that was told to check no promise."""
    results = (each for invariant in document.invariants for each in invariant.results)
    return document.capacity is not None and all(each.verdict is None for each in results)


def _unsure(figures: Sequence[Compared]) -> Iterator[str]:
    for each in figures:
        figure = each.base or each.candidate
        if figure and figure.essential and each.change in {Change.NOISY, Change.UNKNOWN}:
            yield f"{each.name}: {each.change}{_too_few(each)}"


def _too_few(figure: Compared) -> str:
    sides = [each for each in (figure.base, figure.candidate) if each and each.repeats]
    least = min((len(each.repeats) for each in sides), default=LEAST_REPEATS)
    return f" in {least} of {LEAST_REPEATS} repeats" if least < LEAST_REPEATS else ""
