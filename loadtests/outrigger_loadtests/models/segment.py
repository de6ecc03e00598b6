"""The checkpoints of a thread as a chain, and the stretch of it that each run wrote."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from outrigger_loadtests.history.operations import Checkpoint


@dataclass(frozen=True, slots=True)
class Segment:
    """The checkpoints of one run: indices into the history, oldest first."""

    indices: tuple[int, ...]

    @property
    def first(self) -> int:
        """Index of its oldest checkpoint."""
        return self.indices[0]

    @property
    def last(self) -> int:
        """Index of its newest checkpoint."""
        return self.indices[-1]

    @property
    def contiguous(self) -> bool:
        """Whether nobody else wrote in between."""
        return self.last - self.first + 1 == len(self.indices)


@dataclass(frozen=True)
class Chain:
    """A thread's checkpoints, oldest first as the server orders them."""

    checkpoints: Sequence[Checkpoint]

    @cached_property
    def index(self) -> dict[str, int]:
        """Where each checkpoint stands."""
        return {each.checkpoint_id: number for number, each in enumerate(self.checkpoints)}

    @cached_property
    def lengths(self) -> list[int]:
        """How many marks the log of each checkpoint has."""
        return [each.kept + len(each.added) for each in self.checkpoints]

    @cached_property
    def head_line(self) -> list[int]:
        """The indices from the root to the newest checkpoint, along the parents."""
        line: list[int] = []
        number = len(self.checkpoints) - 1
        while number >= 0:
            line.append(number)
            parent = self.index.get(self.checkpoints[number].parent_id, -1)
            number = parent if parent < number else -1  # a parent that is newer is no parent
        line.reverse()
        return line

    @cached_property
    def head_log(self) -> list[str]:
        """The log of the newest checkpoint."""
        log: list[str] = []
        for number in self.head_line:
            checkpoint = self.checkpoints[number]
            del log[checkpoint.kept :]
            log += checkpoint.added
        return log

    @cached_property
    def position(self) -> dict[str, int]:
        """Where each mark of the newest log stands first."""
        found: dict[str, int] = {}
        for number, mark in enumerate(self.head_log):
            found.setdefault(mark, number)
        return found

    @cached_property
    def repeated(self) -> list[str]:
        """Marks that stand more than once in the newest log."""
        return [mark for mark, count in Counter(self.head_log).items() if count > 1]

    @cached_property
    def ever_marked(self) -> frozenset[str]:
        """Every mark that any checkpoint holds, also beside the head's line."""
        return frozenset(mark for each in self.checkpoints for mark in each.added)

    def base_length(self, segment: Segment) -> int:
        """Return how many marks were there before the segment's run wrote."""
        parent = self.index.get(self.checkpoints[segment.first].parent_id)
        return 0 if parent is None else self.lengths[parent]

    def holds(self, segment: Segment, marks: Iterable[str]) -> bool:
        """Whether the log that the segment's run started from holds all the marks."""
        wanted = set(marks)
        number = self.index.get(self.checkpoints[segment.first].parent_id, -1)
        kept = self.lengths[number] if number >= 0 else 0
        while number >= 0 and wanted:
            checkpoint = self.checkpoints[number]
            wanted.difference_update(checkpoint.added[: max(0, kept - checkpoint.kept)])
            kept = min(kept, checkpoint.kept)
            parent = self.index.get(checkpoint.parent_id, -1)
            number = parent if parent < number else -1
        return not wanted

    def segments(self) -> dict[str, Segment]:
        """Return each run's checkpoints, by run id, in the order of their first ones."""
        written: dict[str, list[int]] = {}
        for number, each in enumerate(self.checkpoints):
            written.setdefault(each.run_id, []).append(number)
        return {run_id: Segment(tuple(indices)) for run_id, indices in written.items()}
