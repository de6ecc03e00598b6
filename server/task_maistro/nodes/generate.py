"""Ask the model: for an answer, or for the tools it wants first."""

from dataclasses import dataclass

from langchain_core.messages import AnyMessage, SystemMessage

from task_maistro.conversation import sendable
from task_maistro.models import ModelMaker
from task_maistro.nodes.enrich_memory import recall
from task_maistro.state import State, Update
from task_maistro.tavily import Tavily
from task_maistro.tools.toolbox import tools_of
from task_maistro.turn import Turn


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
    # A run that is continued by another process has lost the untracked memory context.
    known = state["memory_context"] if "memory_context" in state else await recall(turn)
    role = turn.configuration.assistant_role
    system = f"{role}\n\nWhat you know about the user:\n{known}" if known else role
    return [SystemMessage(system), *sendable(state["messages"])]
