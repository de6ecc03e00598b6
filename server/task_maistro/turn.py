"""One turn of a conversation as the nodes see it, and the edge where their failures are caught."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp
from langgraph.runtime import Runtime

from task_maistro.configuration import Configuration, ConfigurationError, resolve_configuration
from task_maistro.memory import Memory, Retention
from task_maistro.state import State, Update

MAX_FAILURE_CHARACTERS = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a node needs beside the state: this run's configuration, memory and config."""

    configuration: Configuration
    memory: Memory
    config: RunnableConfig


Step = Callable[[State, Turn], Awaitable[Update]]


class Node(Protocol):
    """What LangGraph calls; it reads the parameter names."""

    def __call__(self, state: State, *, runtime: Runtime[Configuration]) -> Awaitable[Update]:
        """Run the node."""
        ...


def as_node(step: Step, *, failure: str, otherwise: Update | None = None) -> Node:
    """Make a graph node of `step`: whatever it raises becomes `error`, after the words `failure`.

    `otherwise` is what a failed step writes besides.

    Interrupts of the graph and cancellation pass through untouched.
    """

    async def node(state: State, *, runtime: Runtime[Configuration]) -> Update:
        try:
            return await step(state, turn_of(get_config(), runtime))
        except GraphBubbleUp:
            raise
        except ConfigurationError as fault:
            return {"error": f"The configuration is wrong: {fault}"}
        except Exception as error:  # noqa: BLE001  the edge: user-chosen models and stores raise anything
            log.warning("node_failed", failure=failure, error_type=type(error).__name__)
            return {**(otherwise or {}), "error": f"{failure}: {describe(error)}"}

    return node


def turn_of(config: RunnableConfig, runtime: Runtime[Configuration]) -> Turn:
    """Gather a turn from what LangGraph gives a node.

    Raises:
        ConfigurationError: The caller's configuration is wrong.
    """
    configurable = config.get("configurable", {})
    configuration = resolve_configuration(runtime.context, configurable)
    memory = Memory(
        store=runtime.store,
        user_id=configuration.user_id,
        thread_id=str(configurable.get("thread_id", "")),
        retention=Retention(configuration.max_memory_items, configuration.memory_retention_days),
    )
    return Turn(configuration=configuration, memory=memory, config=config)


def describe(error: Exception) -> str:
    """Say what was raised, in bounded length."""
    text = str(error).strip()
    return (text or type(error).__name__)[:MAX_FAILURE_CHARACTERS]
