"""The task list: add, list and complete. The keeping is `memory.py`'s."""

from typing import Annotated

from langchain_core.tools import BaseTool, InjectedToolCallId, tool
from pydantic import Field

from task_maistro.memory import Memory, Todo
from task_maistro.tools.names import ToolName

Title = Annotated[str, Field(min_length=1, max_length=300)]


def todo_tools(memory: Memory) -> list[BaseTool]:
    """Make the task tools for the user whose memory this is."""

    @tool(ToolName.ADD_TODO)
    async def add_todo(title: Title, tool_call_id: Annotated[str, InjectedToolCallId]) -> str:
        """Add a task to the user's list."""
        todo = await memory.add_todo(title.strip(), cause=tool_call_id)
        return f"Added task {todo.number}: {todo.title}"

    @tool(ToolName.LIST_TODOS)
    async def list_todos() -> str:
        """List the user's tasks with their numbers; finished ones are marked with x."""
        todos = await memory.todos()
        return "\n".join(_line(todo) for todo in todos) or "The list is empty."

    @tool(ToolName.COMPLETE_TODO)
    async def complete_todo(task: Title) -> str:
        """Mark one of the user's tasks, given by its number or its title, as done."""
        todo = await memory.complete_todo(task)
        return f"Completed task {todo.number}: {todo.title}"

    return [add_todo, list_todos, complete_todo]


def _line(todo: Todo) -> str:
    return f"{todo.number}. [{'x' if todo.done else ' '}] {todo.title}"
