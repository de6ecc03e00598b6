"""What a database's checkpoint tables do for savers and for the traces of runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    get_checkpoint_metadata,
)
from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Place:
    """Where a checkpoint goes."""

    thread_id: str
    namespace: str
    checkpoint_id: str
    parent_id: str | None

    @property
    def config(self) -> RunnableConfig:
        """The same in langgraph's words."""
        return {
            "configurable": {
                "thread_id": self.thread_id,
                "checkpoint_ns": self.namespace,
                "checkpoint_id": self.checkpoint_id,
            }
        }


@dataclass(frozen=True, slots=True)
class NewCheckpoint:
    """A checkpoint as langgraph hands it over, to be packed before it may change."""

    config: RunnableConfig
    checkpoint: Checkpoint
    metadata: CheckpointMetadata
    new_versions: ChannelVersions

    @property
    def place(self) -> Place:
        """Where it goes."""
        wanted = self.config["configurable"]
        return Place(
            thread_id=str(wanted["thread_id"]),
            namespace=wanted.get("checkpoint_ns", ""),
            checkpoint_id=self.checkpoint["id"],
            parent_id=wanted.get("checkpoint_id"),
        )

    @property
    def full_metadata(self) -> CheckpointMetadata:
        """The metadata with what the configuration adds, and with where it was told to start."""
        found = get_checkpoint_metadata(self.config, self.metadata)
        if (start := self.config.get("metadata", {}).get("checkpoint_id")) is not None:
            return {**found, "checkpoint_id": start}  # type: ignore[typeddict-unknown-key]
        return found


class PackedCheckpoint(Protocol):
    """A checkpoint as its tables hold it."""

    @property
    def place(self) -> Place:
        """Where it goes."""
        ...

    @property
    def size(self) -> int:
        """The bytes it takes on the disk, as far as they vary."""
        ...


Packed = TypeVar("Packed", bound=PackedCheckpoint)


def chains(packed: Iterable[Packed]) -> Iterator[list[tuple[Packed, bool]]]:
    """Cut checkpoints, in order, into parts that one statement can write.

    Each comes with whether it follows one of its part, its parent. All in a part do but the
    first of each history: for what has lost its parent, those before it must be there.
    """
    part: list[tuple[Packed, bool]] = []
    ids: set[tuple[str, str, str | None]] = set()
    begun: set[tuple[str, str]] = set()
    for row in packed:
        place = row.place
        history = (place.thread_id, place.namespace)
        follows = (*history, place.parent_id) in ids
        if (history in begun and not follows) or (*history, place.checkpoint_id) in ids:
            yield part
            part, follows = [], False
            ids.clear()
            begun.clear()
        part.append((row, follows))
        ids.add((*history, place.checkpoint_id))
        begun.add(history)
    if part:
        yield part


@dataclass(frozen=True, slots=True)
class WriteRow:
    """One write of a task as its table holds it."""

    key: tuple[str, str, str, str]
    task_path: str
    index: int
    channel: str
    kind: str
    blob: bytes

    @property
    def columns(self) -> tuple[Any, ...]:
        """In the order of their tables; who wrote it comes behind them."""
        return (*self.key, self.task_path, self.index, self.channel, self.kind, self.blob)


@dataclass(frozen=True, slots=True)
class Amount:
    """How many rows there are, and the bytes they take."""

    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class StoredAmounts:
    """What a thread's history takes, as stored.

    `channels` are values with rows of their own; a database may keep them in the checkpoints.
    """

    checkpoints: Amount
    channels: Mapping[str, Amount]
    writes: Amount


class CheckpointTables(Protocol):
    """The tables of one kind of database."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every table with a `thread_id`."""
        ...

    def pack(self, serde: Any, new: NewCheckpoint) -> PackedCheckpoint:
        """Encode a checkpoint; what happens to its values afterwards changes nothing."""
        ...

    def put(
        self, connection: Connection, packed: Sequence[Any], run_id: str | None, attempt: int | None
    ) -> None:
        """Write checkpoints it packed, in order, in place of those with the same ids."""
        ...

    def put_writes(
        self,
        connection: Connection,
        rows: Sequence[WriteRow],
        run_id: str | None,
        attempt: int | None,
    ) -> None:
        """Write what tasks of an attempt wrote, but for rows that are there already."""
        ...

    def reader(self, connection: Connection, serde: Any) -> BaseCheckpointSaver[str]:
        """A saver of langgraph's own, to read what the connection sees."""
        ...

    def erase_checkpoints(self, connection: Connection, run_id: str) -> None:
        """Remove the run's checkpoints, with whatever nothing else needs."""
        ...

    def erase_unneeded(self, connection: Connection, thread_id: str) -> None:
        """Remove what none of the thread's checkpoints needs any more."""
        ...

    def copy_thread(self, connection: Connection, source: str, copy: str) -> None:
        """Give `copy` the checkpoints and writes of `source`; they belong to no run."""
        ...

    def amounts(self, connection: Connection, thread_id: str) -> StoredAmounts:
        """What the thread's history takes."""
        ...
