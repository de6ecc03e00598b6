"""Keep what was said, for later threads of the same user, and close the turn."""

import time

from task_maistro.conversation import last_human, text_of
from task_maistro.state import State, Update
from task_maistro.turn import Turn


async def save_interaction(state: State, turn: Turn) -> Update:
    """Write the exchange to memory; nothing when memory is disabled or there is no store."""
    messages = state["messages"]
    asked = last_human(messages)
    if turn.configuration.enable_memory and asked is not None:
        cause = asked.id or text_of(asked)
        await turn.memory.save_interaction(cause, text_of(asked), text_of(messages[-1]))
    started_at = state.get("started_at")
    return {} if started_at is None else {"processing_seconds": time.time() - started_at}
