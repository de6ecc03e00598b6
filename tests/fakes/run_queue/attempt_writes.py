"""What an attempt writes through its saver and its store, and whether it was let."""

from collections.abc import Callable
from itertools import count
from typing import Any

from fakes.observer import CountingObserver
from outrigger_server.domain.run import AttemptToken
from outrigger_server.errors import FencedWrite
from outrigger_server.stores.checkpoints import FencedSaver
from outrigger_server.stores.fence import Fence, HoldFence, RunFence
from outrigger_server.stores.items import FencedStore


class AttemptWriter:
    """Writes on `database` as graphs do; checkpoints get ids that increase."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._observer = CountingObserver()
        self._numbers = count(1)
        self._heads: dict[str, str] = {}

    def write(self, token: AttemptToken, thread_id: str) -> list[bool]:
        """Pending writes on the head, a checkpoint with a question, a store item: which passed."""
        fence = RunFence(token)
        saver = FencedSaver(self._database, fence, self._observer)
        store = FencedStore(self._database, fence, self._observer)
        asked = self._pending(saver, thread_id, token)  # in place of what an earlier run asked
        moved = self._checkpoint(saver, thread_id, token.run_id)
        if moved:
            self._pending(saver, thread_id, token)
        kept = _passes(lambda: store.put(("runs",), token.run_id, {"attempt": token.attempt}))
        return [asked, moved, kept]

    def _pending(self, saver: FencedSaver, thread_id: str, token: AttemptToken) -> bool:
        place = self._place(thread_id, self._heads.get(thread_id, "0"))
        question = [("__interrupt__", token.run_id)]
        return _passes(lambda: saver.put_writes(place, question, "ask")) and _passes(
            lambda: saver.put_writes(place, [("log", token.run_id)], token.run_id)
        )

    def write_state(self, thread_id: str, hold_token: str) -> bool:
        """A checkpoint of a state update that holds the thread."""
        fence: Fence = HoldFence(thread_id, hold_token)  # type: ignore[arg-type]
        saver = FencedSaver(self._database, fence, self._observer)
        return self._checkpoint(saver, thread_id, "update")

    def _checkpoint(self, saver: FencedSaver, thread_id: str, word: str) -> bool:
        number = f"{next(self._numbers):08}"
        checkpoint: Any = {
            "v": 4,
            "id": number,
            "ts": "",
            "channel_values": {"log": [word]},
            "channel_versions": {"log": number},
        }
        place = self._place(thread_id, self._heads.get(thread_id))
        passed = _passes(lambda: saver.put(place, checkpoint, {}, {"log": number}))
        if passed:
            self._heads[thread_id] = number
        return passed

    def back_to(self, thread_id: str, head: str | None) -> None:
        """The thread's newest checkpoint is this one again."""
        self._heads.pop(thread_id, None)
        if head is not None:
            self._heads[thread_id] = head

    def _place(self, thread_id: str, checkpoint_id: str | None) -> Any:
        place = {"thread_id": thread_id, "checkpoint_ns": ""}
        if checkpoint_id is not None:
            place["checkpoint_id"] = checkpoint_id
        return {"configurable": place}


def _passes(write: Callable[[], object]) -> bool:
    try:
        write()
    except FencedWrite:
        return False
    return True
