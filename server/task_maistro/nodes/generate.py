"""Ask the model: for an answer, or for the tools it wants first."""

from dataclasses import dataclass

from langchain_core.messages import AnyMessage, SystemMessage

from task_maistro.configuration import Configuration, ResponseStyle
from task_maistro.conversation import BRIEFLY, sendable
from task_maistro.models import ModelMaker
from task_maistro.nodes.enrich_memory import chosen, recall
from task_maistro.state import State, Update
from task_maistro.tavily import Tavily
from task_maistro.tools.toolbox import tools_of
from task_maistro.turn import Turn

LENGTHS = {
    ResponseStyle.BRIEF: BRIEFLY,
    ResponseStyle.BALANCED: "",
    ResponseStyle.DETAILED: "Answer in detail, step by step, with examples.",
}


@dataclass(frozen=True, slots=True)
class Generate:
    """The model's node."""

    make_model: ModelMaker
    tavily: Tavily

    async def __call__(self, state: State, turn: Turn) -> Update:
        """Add the model's next message; remember its id when it is an answer."""
        model = self.make_model(turn.configuration)
        tools = tools_of(turn.configuration, turn.memory, self.tavily)
        caller = model.bind_tools(tools) if tools else model
        reply = await caller.ainvoke(await _prompt(state, turn), turn.config)
        update: Update = {"messages": [reply]}
        if not reply.tool_calls and reply.id:
            update["answered_id"] = reply.id
        return update


async def _prompt(state: State, turn: Turn) -> list[AnyMessage]:
    # A run that is continued by another process has lost the untracked fields.
    known = state["memory_context"] if "memory_context" in state else await recall(turn)
    preferences = state["preferences"] if "preferences" in state else await chosen(turn)
    system = instructions(turn.configuration.preferred_by(preferences), known)
    return [SystemMessage(system), *sendable(state["messages"])]


def instructions(configuration: Configuration, known: str) -> str:
    """Return the system prompt: the role, how to speak, and what is known about the user."""
    parts = [configuration.assistant_role]
    if configuration.personality is not None:
        parts.append(f"Your personality: {configuration.personality}")
    if length := LENGTHS[configuration.response_style]:
        parts.append(length)
    if known:
        parts.append(f"What you know about the user:\n{known}")
    return "\n\n".join(parts)
