"""The assistants that are shipped for each environment."""

from pathlib import Path

import pytest

from outrigger_server.assistants_apply.assistants_file import read_assistants
from task_maistro.configuration import Configuration

FILES = Path(__file__).parents[3] / "server" / "task_maistro" / "assistants"
ENVIRONMENTS = ("development", "staging", "production")
SAID = {
    *("model", "temperature", "max_tokens", "enable_memory", "enable_tools", "personality"),
    *("response_style", "allowed_tools", "tool_timeout", "memory_retention_days"),
    *("max_memory_items", "content_filter", "pii_detection"),
}


def assistants(environment):
    return read_assistants(FILES / f"{environment}.yaml")


def test_there_is_a_file_for_each_environment():
    assert {path.stem for path in FILES.glob("*.yaml")} == set(ENVIRONMENTS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_assistant_says_all_there_is_to_say_and_the_graph_takes_it(environment):
    for assistant in assistants(environment):
        assert (assistant.graph, bool(assistant.description)) == ("task_maistro", True)
        assert assistant.metadata["environment"] == environment
        assert set(assistant.context) == SAID
        Configuration.model_validate(assistant.context)


def test_the_environments_have_the_same_assistants():
    first, *others = [[each.assistant_id for each in assistants(e)] for e in ENVIRONMENTS]
    assert len(first) == 2
    assert others == [first, first]


def test_production_has_real_models_and_keeps_no_personal_data():
    for assistant in assistants("production"):
        configuration = Configuration.model_validate(assistant.context)
        assert configuration.model != "simulated"
        assert configuration.pii_detection in ("redact", "block")
        assert configuration.content_filter
