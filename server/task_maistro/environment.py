"""What the process's environment says to this graph; the only place that reads it.

Not per run: what may differ from run to run is in `configuration.py`.
"""

import os
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from task_maistro.configuration import MODEL_PATTERN, SIMULATED

TOKENS_PER_SECOND = "OUTRIGGER_MODEL_TOKENS_PER_SECOND"
TAVILY_API_KEY = "TAVILY_API_KEY"
TAVILY_BASE_URL = "TAVILY_BASE_URL"
MODEL = "OUTRIGGER_MODEL"
ENVIRONMENT = "OUTRIGGER_ENVIRONMENT"


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
    model: str = Field(
        default=SIMULATED,
        pattern=MODEL_PATTERN,
        description="The model of runs for which neither assistant nor caller names one.",
    )
    is_production: bool = Field(default=False, description="Answers come from a real model only.")

    @model_validator(mode="after")
    def _no_simulation_in_production(self) -> Self:
        if self.is_production and self.model == SIMULATED:
            raise ValueError(
                f"{MODEL} is {SIMULATED!r}: production answers with a real model; "
                "give provider:model"
            )
        return self


_VARIABLES = {
    "tokens_per_second": TOKENS_PER_SECOND,
    "tavily_api_key": TAVILY_API_KEY,
    "tavily_base_url": TAVILY_BASE_URL,
    "model": MODEL,
}


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Read this graph's variables; an empty one counts as not set.

    Raises:
        EnvironmentValueError: A value is wrong; the message names every wrong variable.
    """
    given = {field: environ[name] for field, name in _VARIABLES.items() if environ.get(name)}
    is_production = environ.get(ENVIRONMENT) == "production"
    try:
        return Environment.model_validate({**given, "is_production": is_production})
    except ValidationError as error:
        faults = [
            f"{_VARIABLES[str(fault['loc'][0])]}: {fault['msg']}"
            if fault["loc"]
            else str(fault["ctx"]["error"])
            for fault in error.errors()
        ]
        raise EnvironmentValueError("; ".join(faults)) from None


def process_environment() -> Environment:
    """Read the variables of this process, as `langgraph.json`'s `env` has set them."""
    return read_environment(os.environ)  # noqa: TID251  a graph is loaded with no settings object
