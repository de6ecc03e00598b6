"""A thread's history: its checkpoints in the order they were written, and what hangs on them."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Attached:
    """A question or an answer, and the run that left it there."""

    run_id: str
    value: Any


@dataclass(slots=True, eq=False)
class Checkpoint:
    """`values` are never changed once it is written."""

    checkpoint_id: str
    parent_id: str
    run_id: str
    graph_id: str
    source: str
    step: int
    values: dict[str, Any]
    next: tuple[str, ...]
    created_at: str
    given: dict[str, Any] | None = None  # an input that is not applied yet
    question: Attached | None = None
    answer: Attached | None = None

    @property
    def task_id(self) -> str:
        return f"task-{self.checkpoint_id}"

    def questions(self) -> list[dict[str, Any]]:
        """The interrupts as the protocol shows them."""
        if self.question is None:
            return []
        return [{"id": self.checkpoint_id.replace("-", ""), "value": self.question.value}]


class History:
    """The checkpoints of one thread, oldest first. The newest one is the head."""

    __slots__ = ("_by_id", "checkpoints")

    def __init__(self) -> None:
        self.checkpoints: list[Checkpoint] = []
        self._by_id: dict[str, Checkpoint] = {}

    @property
    def head(self) -> Checkpoint | None:
        return self.checkpoints[-1] if self.checkpoints else None

    def get(self, checkpoint_id: str) -> Checkpoint | None:
        return self._by_id.get(checkpoint_id)

    def put(self, checkpoint: Checkpoint) -> None:
        self.checkpoints.append(checkpoint)
        self._by_id[checkpoint.checkpoint_id] = checkpoint

    def written_by(self, run_id: str) -> list[Checkpoint]:
        return [each for each in self.checkpoints if each.run_id == run_id]

    def page(self, limit: int, before: str) -> list[Checkpoint]:
        """The newest `limit` checkpoints that are older than `before`, newest first."""
        found = [
            each for each in reversed(self.checkpoints) if not before or each.checkpoint_id < before
        ]
        return found[:limit]

    def erase(self, run_id: str) -> None:
        """Remove everything the run wrote, also what it attached to others' checkpoints."""
        self.keep([each for each in self.checkpoints if each.run_id != run_id])
        for each in self.checkpoints:
            if each.question is not None and each.question.run_id == run_id:
                each.question = None
            if each.answer is not None and each.answer.run_id == run_id:
                each.answer = None

    def unlink(self, run_id: str) -> None:
        """Tie the checkpoints behind the run's to the one before them."""
        parents = {each.checkpoint_id: each.parent_id for each in self.written_by(run_id)}
        for each in self.checkpoints:
            while each.parent_id in parents:
                each.parent_id = parents[each.parent_id]

    def keep(self, checkpoints: list[Checkpoint]) -> None:
        """Forget all others."""
        self.checkpoints = checkpoints
        self._by_id = {each.checkpoint_id: each for each in checkpoints}


EMPTY_STATE: dict[str, Any] = {
    "values": {},
    "next": [],
    "tasks": [],
    "metadata": None,
    "created_at": None,
    "checkpoint": None,
    "parent_checkpoint": None,
    "interrupts": [],
    "checkpoint_id": None,
    "parent_checkpoint_id": None,
}


def state_json(thread_id: str, checkpoint: Checkpoint | None) -> dict[str, Any]:
    """A checkpoint as the protocol shows it."""
    if checkpoint is None:
        return EMPTY_STATE
    questions = checkpoint.questions()
    parent_id = checkpoint.parent_id or None
    return {
        "values": checkpoint.values,
        "next": checkpoint.next,
        "tasks": [
            {
                "id": checkpoint.task_id,
                "name": name,
                "path": ["__pregel_pull", name],
                "error": None,
                "interrupts": questions,
                "checkpoint": None,
                "state": None,
                "result": None,
            }
            for name in checkpoint.next
        ],
        "metadata": {
            "source": checkpoint.source,
            "step": checkpoint.step,
            "parents": {},
            "run_id": checkpoint.run_id,
            "thread_id": thread_id,
            "graph_id": checkpoint.graph_id,
            "run_attempt": 1,
        },
        "created_at": checkpoint.created_at,
        "checkpoint": _place(thread_id, checkpoint.checkpoint_id),
        "parent_checkpoint": _place(thread_id, parent_id) if parent_id else None,
        "interrupts": questions,
        "checkpoint_id": checkpoint.checkpoint_id,
        "parent_checkpoint_id": parent_id,
    }


def _place(thread_id: str, checkpoint_id: str) -> dict[str, str]:
    return {"checkpoint_id": checkpoint_id, "thread_id": thread_id, "checkpoint_ns": ""}
