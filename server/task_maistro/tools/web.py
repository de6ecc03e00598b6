"""Weather and web search, both through Tavily. The HTTP is `tavily.py`'s."""

from typing import Annotated

from langchain_core.tools import BaseTool, tool
from pydantic import Field

from task_maistro.tavily import Tavily
from task_maistro.tools.names import ToolName


def web_tools(tavily: Tavily) -> list[BaseTool]:
    """Make the tools that look things up on the web."""

    @tool(ToolName.GET_WEATHER)
    async def get_weather(city: Annotated[str, Field(min_length=1, max_length=100)]) -> str:
        """Look up the present weather in a city."""
        return (await tavily.search(f"current weather in {city}")).as_text()

    @tool(ToolName.SEARCH_WEB)
    async def search_web(query: Annotated[str, Field(min_length=1, max_length=400)]) -> str:
        """Search the web."""
        return (await tavily.search(query)).as_text()

    return [get_weather, search_web]
