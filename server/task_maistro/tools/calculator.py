"""The calculator as a tool. The arithmetic is `arithmetic.py`'s."""

from langchain_core.tools import BaseTool, tool

from task_maistro.tools.arithmetic import evaluate
from task_maistro.tools.names import ToolName


def calculator_tools() -> list[BaseTool]:
    """Make the calculator."""

    @tool(ToolName.CALCULATE)
    async def calculate(expression: str) -> str:
        """Compute an arithmetic expression such as (2 + 3) * 4 / 5 ** 2."""
        return f"{expression.strip()} = {evaluate(expression)}"

    return [calculate]
