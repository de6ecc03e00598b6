"""Which tools a run has. A new tool is one name, one file and one line here."""

from langchain_core.tools import BaseTool

from task_maistro.configuration import Configuration
from task_maistro.memory import Memory
from task_maistro.tavily import Tavily
from task_maistro.tools.calculator import calculator_tools
from task_maistro.tools.todos import todo_tools
from task_maistro.tools.web import web_tools


def tools_of(configuration: Configuration, memory: Memory, tavily: Tavily) -> list[BaseTool]:
    """Return the tools this run may use, in a fixed order."""
    tools = [*todo_tools(memory), *calculator_tools(), *web_tools(tavily)]
    usable = configuration.usable_tools()
    return [tool for tool in tools if tool.name in usable]
