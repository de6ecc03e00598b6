"""The graph: process_input → enrich_memory → generate ⇄ tools → save_interaction.

Compiled without checkpointer and store: the server that runs it gives both.
"""

from typing import Literal

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from task_maistro.configuration import Configuration, Preferences
from task_maistro.conversation import tool_rounds
from task_maistro.environment import Environment, process_environment
from task_maistro.models import ModelMaker, model_maker
from task_maistro.nodes.enrich_memory import enrich_memory
from task_maistro.nodes.generate import Generate
from task_maistro.nodes.process_input import is_answered, process_input
from task_maistro.nodes.save_interaction import save_interaction
from task_maistro.nodes.tools import MAX_TOOL_ROUNDS, RunTools
from task_maistro.state import Input, Output, State
from task_maistro.tavily import Tavily
from task_maistro.turn import as_node

TaskMaistro = CompiledStateGraph[State, Configuration, Input, Output]

PUBLIC_FIELDS = list(Output.__annotations__)


def build_graph(environment: Environment, make_model: ModelMaker | None = None) -> TaskMaistro:
    """Join the nodes. `make_model` replaces the choice of model, for tests and own models."""
    tavily = Tavily(environment.tavily_api_key, environment.tavily_base_url)
    generate = Generate(make_model or model_maker(environment), tavily)
    builder = StateGraph(
        State, context_schema=Configuration, input_schema=Input, output_schema=Output
    )
    builder.add_node(
        "process_input", as_node(process_input, failure="The input could not be processed")
    )
    builder.add_node(
        "enrich_memory",
        as_node(
            enrich_memory,
            failure="Memory could not be read",
            otherwise={"memory_context": "", "preferences": Preferences()},
        ),
    )
    builder.add_node("generate", as_node(generate, failure="The model failed"))
    builder.add_node("tools", as_node(RunTools(tavily), failure="The tools could not be run"))
    builder.add_node(
        "save_interaction",
        as_node(save_interaction, failure="The interaction could not be saved"),
    )
    builder.add_edge(START, "process_input")
    builder.add_conditional_edges("process_input", after_input)
    builder.add_edge("enrich_memory", "generate")
    builder.add_conditional_edges("generate", after_generate)
    builder.add_conditional_edges("tools", after_tools)
    builder.add_edge("save_interaction", END)
    compiled = builder.compile(name="task_maistro")
    # `output_schema` alone keeps private fields out of the result, not out of streamed values,
    # updates and `/state`: those follow `stream_channels`.
    compiled.stream_channels = PUBLIC_FIELDS
    # The lowest level of configuration: what assistant and caller say wins.
    return compiled.with_config(configurable={"model": environment.model})


def after_input(state: State) -> Literal["enrich_memory", "__end__"]:
    """Stop when the input was refused, or when it has been answered before."""
    if state.get("error") or is_answered(state["messages"], state.get("answered_id")):
        return "__end__"
    return "enrich_memory"


def after_generate(state: State) -> Literal["tools", "save_interaction", "__end__"]:
    """Run the tools the model asked for, save its answer, or stop when it gave none."""
    newest = state["messages"][-1]
    if not isinstance(newest, AIMessage):
        return "__end__"
    return "tools" if newest.tool_calls else "save_interaction"


def after_tools(state: State) -> Literal["generate", "__end__"]:
    """Let the model use the results, unless it has asked too often."""
    return "__end__" if tool_rounds(state["messages"]) > MAX_TOOL_ROUNDS else "generate"


graph = build_graph(process_environment())
"""What `langgraph.json` names. Made on import, as every LangGraph server expects."""
