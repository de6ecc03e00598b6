"""Assistants that were asked for before, for as long as they may be believed."""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from langgraph_sdk.schema import Assistant

from outrigger_client.events import Event, RequestEnded
from outrigger_client.operations.steps import Sdk, Steps, call

_CHANGED = re.compile(r".*/assistants/([^/]+)(?:/latest)?")


@dataclass
class AssistantCache:
    """Keeps assistants by id; forgets what is old, too many, or changed through this client.

    Any number of threads may use it.
    """

    ttl_seconds: float
    most: int
    clock: Callable[[], float]
    _kept: OrderedDict[str, tuple[float, Assistant]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, assistant_id: str) -> Assistant | None:
        """The assistant, if it is known and young enough."""
        with self._lock:
            until, assistant = self._kept.get(assistant_id, (0.0, None))
            return assistant if assistant is not None and self.clock() < until else None

    def put(self, assistant: Assistant) -> None:
        """Keep it from now on."""
        with self._lock:
            name = assistant["assistant_id"]
            self._kept[name] = (self.clock() + self.ttl_seconds, assistant)
            self._kept.move_to_end(name)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)

    def forget(self, assistant_id: str | None = None) -> None:
        """Ask the server again next time, for this one or for all."""
        with self._lock:
            if assistant_id is None:
                self._kept.clear()
            else:
                self._kept.pop(assistant_id, None)

    def hear(self, event: Event) -> None:
        """Forget an assistant that this client changes or deletes."""
        if isinstance(event, RequestEnded) and event.method not in {"GET", "HEAD"}:
            changed = _CHANGED.fullmatch(event.path)
            if changed:
                self.forget(changed[1])


def looked_up(sdk: Sdk, cache: AssistantCache, assistant_id: str) -> Steps[Assistant]:
    """The assistant from the server, kept for the next time."""
    assistant: Assistant = yield call(sdk.assistants.get, assistant_id)
    cache.put(assistant)
    return assistant
