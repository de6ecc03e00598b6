"""What the process's environment says to this graph; the only place that reads it.

Not per run: what may differ from run to run is in `configuration.py`.
"""

import os
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

TOKENS_PER_SECOND = "OUTRIGGER_MODEL_TOKENS_PER_SECOND"
TAVILY_API_KEY = "TAVILY_API_KEY"
TAVILY_BASE_URL = "TAVILY_BASE_URL"


class EnvironmentValueError(Exception):
    """An environment variable has a value this graph cannot use."""


class Environment(BaseModel):
    """The graph's surroundings, the same for every run of one process."""

    model_config = ConfigDict(frozen=True)

    tokens_per_second: float = Field(
        default=50.0, gt=0, allow_inf_nan=False, description="Pace of the simulated model."
    )
    tavily_api_key: SecretStr | None = Field(
        default=None, description="Key for weather and web search; without it they answer so."
    )
    tavily_base_url: str = Field(
        default="https://api.tavily.com",
        pattern=r"^https?://\S+$",
        description="Where Tavily's HTTP API is.",
    )


_VARIABLES = {
    "tokens_per_second": TOKENS_PER_SECOND,
    "tavily_api_key": TAVILY_API_KEY,
    "tavily_base_url": TAVILY_BASE_URL,
}


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Read this graph's variables; an empty one counts as not set.

    Raises:
        EnvironmentValueError: A value is wrong; the message names every wrong variable.
    """
    given = {field: environ[name] for field, name in _VARIABLES.items() if environ.get(name)}
    try:
        return Environment.model_validate(given)
    except ValidationError as error:
        faults = [f"{_VARIABLES[str(fault['loc'][0])]}: {fault['msg']}" for fault in error.errors()]
        raise EnvironmentValueError("; ".join(faults)) from None


def process_environment() -> Environment:
    """Read the variables of this process, as `langgraph.json`'s `env` has set them."""
    return read_environment(os.environ)  # noqa: TID251  a graph is loaded with no settings object
