"""A graph that answers with what its configuration says about the caller."""

from typing import Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import START, StateGraph


class State(TypedDict, total=False):
    seen: dict[str, Any]


def look(_state: State, config: RunnableConfig) -> State:
    given = config["configurable"]
    user = given.get("langgraph_auth_user")
    return {
        "seen": {
            "identity": user.identity if user is not None else None,
            "team": user.get("team") if user is not None else None,
            "user_id": given.get("langgraph_auth_user_id"),
            "permissions": given.get("langgraph_auth_permissions"),
            "headers": {name: given[name] for name in given if name.startswith("x-")},
        }
    }


graph = StateGraph(State).add_node("look", look).add_edge(START, "look").compile()
