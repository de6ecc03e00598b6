"""Fetch what is known about the user. Without a store, or with memory disabled: nothing."""

from task_maistro.configuration import Preferences
from task_maistro.state import State, Update
from task_maistro.turn import Turn


async def enrich_memory(state: State, turn: Turn) -> Update:
    """Put the user's memory and preferences into private state, for the model only."""
    del state
    return {"memory_context": await recall(turn), "preferences": await chosen(turn)}


async def recall(turn: Turn) -> str:
    """Return what the system prompt may say about the user."""
    return await turn.memory.context() if turn.configuration.enable_memory else ""


async def chosen(turn: Turn) -> Preferences:
    """Return what the user has chosen for all of their runs."""
    enabled = turn.configuration.enable_memory
    return await turn.memory.preferences() if enabled else Preferences()
