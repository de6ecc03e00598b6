"""The name of every tool, in one place: configuration, model and tools all use these."""

from enum import StrEnum


class ToolName(StrEnum):
    """The tools a run may use."""

    ADD_TODO = "add_todo"
    LIST_TODOS = "list_todos"
    COMPLETE_TODO = "complete_todo"
    CALCULATE = "calculate"
    GET_WEATHER = "get_weather"
    SEARCH_WEB = "search_web"
