import pytest
from pydantic import ValidationError

from task_maistro.configuration import Configuration, ConfigurationError, resolve_configuration
from task_maistro.tools.names import ToolName


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 0),
        ("temperature", 2),
        ("max_tokens", 100),
        ("max_tokens", 10_000),
        ("model", "simulated"),
        ("model", "openai:gpt-5"),
        ("user_id", "ada@example.com"),
        ("allowed_tools", ["calculate"]),
        ("allowed_tools", []),
        ("enable_memory", False),
        ("enable_tools", False),
    ],
)
def test_a_value_within_its_limits_is_taken(field, value):
    found = getattr(Configuration.model_validate({field: value}), field)
    assert (list(found) if isinstance(value, list) else found) == value


WRONG_VALUES = [
    ("temperature", -0.1),
    ("temperature", 2.1),
    ("temperature", "hot"),
    ("temperature", float("nan")),
    ("max_tokens", 99),
    ("max_tokens", 10_001),
    ("model", ""),
    ("model", "gpt-5"),
    ("model", "openai:"),
    ("user_id", ""),
    ("user_id", "x" * 201),
    ("assistant_role", ""),
    ("allowed_tools", ["rm"]),
    ("enable_tools", "perhaps"),
]


@pytest.mark.parametrize(("field", "value"), WRONG_VALUES)
def test_a_value_beyond_its_limits_is_refused(field, value):
    with pytest.raises(ValidationError, match=field):
        Configuration.model_validate({field: value})


def test_context_wins_over_configurable_field_by_field():
    context = Configuration(temperature=1.0)
    found = resolve_configuration(context, {"temperature": 0.5, "max_tokens": 200})
    assert (found.temperature, found.max_tokens) == (1.0, 200)


def test_the_servers_own_configurable_names_are_ignored():
    found = resolve_configuration(None, {"thread_id": "1", "run_id": "2"})
    assert found == Configuration()


def test_an_absent_user_of_the_server_leaves_the_default():
    found = resolve_configuration(None, {"user_id": "", "langgraph_auth_user_id": ""})
    assert found.user_id == "default"


def test_the_authenticated_user_cannot_pose_as_another():
    found = resolve_configuration(
        Configuration(user_id="victim"), {"langgraph_auth_user_id": "ada", "user_id": "victim"}
    )
    assert found.user_id == "ada"


def test_a_refusal_names_every_wrong_field():
    with pytest.raises(ConfigurationError, match=r"temperature: .*; max_tokens: "):
        resolve_configuration(None, {"temperature": 3, "max_tokens": 1})


def test_disabled_tools_leave_none_usable():
    assert Configuration(enable_tools=False).usable_tools() == frozenset()


def test_all_tools_are_usable_by_default():
    assert Configuration().usable_tools() == frozenset(ToolName)


async def test_a_wrong_configurable_value_becomes_an_error_in_state(chat):
    output = await chat.say("hello", temperature=3)
    assert "temperature" in output["error"]


async def test_a_wrong_context_value_fails_the_run_and_names_the_field(chat):
    with pytest.raises(ValidationError, match="temperature"):
        await chat.say("hello", context={"temperature": 3})


async def test_context_given_as_a_plain_mapping_is_used(chat):
    output = await chat.say("add task buy milk", context={"enable_tools": False})
    assert "not available" in output["messages"][-1].text


async def test_configurable_values_are_used(chat):
    output = await chat.say("add task buy milk", allowed_tools=["calculate"])
    assert "not available" in output["messages"][-1].text


def test_the_graph_tells_clients_its_configuration_schema(chat):
    assert set(chat.graph.get_context_jsonschema()["properties"]) == set(Configuration.model_fields)
