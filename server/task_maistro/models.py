"""The chat model of a run: the simulated one, or any that LangChain can make by name."""

from collections.abc import Callable

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from task_maistro.configuration import SIMULATED, Configuration, ConfigurationError
from task_maistro.environment import Environment
from task_maistro.simulated_model import SimulatedModel

ModelMaker = Callable[[Configuration], BaseChatModel]


def model_maker(environment: Environment) -> ModelMaker:
    """Return what makes a run's model; an unknown provider or missing key raises there."""

    def make(configuration: Configuration) -> BaseChatModel:
        if configuration.model == SIMULATED and environment.is_production:
            raise ConfigurationError("model: production has no simulated model")
        if configuration.model == SIMULATED:
            return SimulatedModel(
                tokens_per_second=environment.tokens_per_second,
                max_tokens=configuration.max_tokens,
            )
        return init_chat_model(
            configuration.model,
            temperature=configuration.temperature,
            max_tokens=configuration.max_tokens,
        )

    return make
