"""The head of a thread's history as the attempt that wrote it remembers it."""

from collections.abc import Sequence
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)
from langgraph.checkpoint.serde.base import SerializerProtocol
from typing_extensions import override

from outrigger_server.stores.checkpoint_tables.base import Place


class OwnHead:
    """The root checkpoint an attempt wrote last, with the writes that followed it.

    It holds the graph's own objects: good for a look once the graph has ended, not before.
    """

    def __init__(self, serde: SerializerProtocol) -> None:
        self._serde = serde
        self._last: tuple[Place, Checkpoint, CheckpointMetadata] | None = None
        self._writes: dict[tuple[str, int], tuple[str, str, Any]] = {}

    def put(self, place: Place, checkpoint: Checkpoint, metadata: CheckpointMetadata) -> None:
        """Remember a checkpoint; those of subgraphs are none of the thread's history."""
        if not place.namespace:
            self._last = place, checkpoint, metadata
            self._writes.clear()

    def put_writes(
        self, checkpoint_id: str, namespace: str, task_id: str, writes: Sequence[tuple[str, Any]]
    ) -> None:
        """Remember what a task wrote at the head, as the tables do: see `put_rows`."""
        if self._last is None or namespace or checkpoint_id != self._last[0].checkpoint_id:
            return
        replace = all(channel in WRITES_IDX_MAP for channel, _ in writes)
        for index, (channel, value) in enumerate(writes):
            key = (task_id, WRITES_IDX_MAP.get(channel, index))
            if replace or key not in self._writes:
                self._writes[key] = (task_id, channel, value)

    @property
    def saved(self) -> CheckpointTuple | None:
        """The same as a saver reads it; None when the attempt wrote no root checkpoint.

        Values went through the serializer, which may change them: half an emoji, say.
        """
        if self._last is None:
            return None
        place, checkpoint, metadata = self._last
        return CheckpointTuple(
            config=place.config,
            checkpoint=self._stored(checkpoint),
            metadata=metadata,
            parent_config=None,
            pending_writes=[
                (task_id, channel, self._stored(value))
                for _, (task_id, channel, value) in sorted(self._writes.items(), key=_key)
            ],
        )

    def _stored(self, value: Any) -> Any:
        return self._serde.loads_typed(self._serde.dumps_typed(value))


def _key(write: tuple[tuple[str, int], object]) -> tuple[str, int]:
    return write[0]


class HeadSaver(BaseCheckpointSaver[str]):
    """Reads one checkpoint and nothing else."""

    def __init__(self, head: CheckpointTuple) -> None:
        super().__init__()
        self._head = head

    @override
    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        return self._head
