"""Each setting of an assistant does what its description says."""

import importlib
import sys
from datetime import UTC, datetime, timedelta

import pytest

from task_maistro.configuration import Configuration, ConfigurationError, Preferences
from task_maistro.environment import Environment, EnvironmentValueError, read_environment
from task_maistro.models import model_maker
from task_maistro.nodes.generate import instructions
from task_maistro.simulated_model import SimulatedModel

KEY = "tvly-test"
PROVIDER = '''
from langchain_core.language_models.fake_chat_models import FakeListChatModel


class ChatGroq(FakeListChatModel):
    """As the package of a provider: says with what it was made."""

    def __init__(self, **given):
        super().__init__(responses=[str(sorted(given.items()))])
'''


@pytest.fixture
def provider(tmp_path, monkeypatch):
    """A provider's package, as `init_chat_model` finds it by its name."""
    (tmp_path / "langchain_groq.py").write_text(PROVIDER)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield "groq:llama"
    sys.modules.pop("langchain_groq", None)


async def test_model_temperature_and_max_tokens_reach_the_provider(chat, provider):
    output = await chat.say(
        "hello", model=provider, temperature=0.7, max_tokens=321, enable_tools=False
    )
    assert output["error"] is None
    assert output["messages"][-1].text == (
        "[('max_tokens', 321), ('model', 'llama'), ('temperature', 0.7)]"
    )


async def test_an_answer_ends_at_max_tokens(chat):
    output = await chat.say("count to 500", max_tokens=100)
    assert output["messages"][-1].text.split()[-1] == "100"


async def test_the_model_of_the_process_is_the_default_that_all_others_win_over(make_chat):
    chat = make_chat(model="nobody:nothing")
    assert "nobody" in (await chat.say("hello"))["error"]
    assert (await chat.say("hello", model="simulated"))["error"] is None
    assert (await chat.say("hello", context={"model": "simulated"}))["error"] is None


def test_production_refuses_a_simulated_default():
    production = {"OUTRIGGER_ENVIRONMENT": "production"}
    with pytest.raises(EnvironmentValueError, match="OUTRIGGER_MODEL is 'simulated'"):
        read_environment(production)
    assert read_environment({**production, "OUTRIGGER_MODEL": "openai:gpt-5"}).is_production
    assert read_environment({"OUTRIGGER_ENVIRONMENT": "staging"}).model == "simulated"


def test_a_wrong_default_is_refused_by_its_name():
    with pytest.raises(EnvironmentValueError, match="OUTRIGGER_MODEL: "):
        read_environment({"OUTRIGGER_MODEL": "gpt-5"})


async def test_production_refuses_the_simulated_model_of_an_assistant(make_chat):
    chat = make_chat(model="openai:gpt-5", is_production=True)
    output = await chat.say("hello", model="simulated")
    assert output["error"] == (
        "The configuration is wrong: model: production has no simulated model"
    )
    with pytest.raises(ConfigurationError):
        model_maker(Environment(model="openai:gpt-5", is_production=True))(Configuration())


def test_personality_and_style_are_in_the_instructions():
    plain = instructions(Configuration(assistant_role="You help."), "")
    assert plain == "You help."
    full = Configuration(assistant_role="You help.", personality="dry", response_style="detailed")
    assert instructions(full, "Ada").split("\n\n") == [
        "You help.",
        "Your personality: dry",
        "Answer in detail, step by step, with examples.",
        "What you know about the user:\nAda",
    ]


async def test_the_instructions_reach_the_model(make_chat):
    heard = []
    await make_chat(hearing(heard)).say("hello", personality="a pirate")
    assert "Your personality: a pirate" in heard[0]


async def test_a_brief_assistant_says_less(chat):
    brief = await chat.say("hello", response_style="brief")
    assert brief["messages"][-1].text == 'Hello! You said: "hello".'
    other = await chat.say("hello", thread="other")
    assert other["messages"][-1].text.startswith(brief["messages"][-1].text)


async def test_what_a_user_chose_holds_for_all_their_runs(chat):
    place = ("users", "ada@example%2Eorg", "preferences")
    await chat.store.aput(place, "preferences", {"response_style": "brief"})
    ada = await chat.say("hello", user_id="ada@example.org", response_style="detailed")
    bob = await chat.say("hello", thread="other", user_id="bob", response_style="detailed")
    assert (len(ada["messages"][-1].text) < 40, len(bob["messages"][-1].text) < 40) == (True, False)


async def test_a_preference_that_is_none_changes_nothing(chat):
    place = ("users", "default", "preferences")
    await chat.store.aput(place, "preferences", {"response_style": "in verse"})
    assert (await chat.say("hello"))["error"] is None


async def test_preferences_are_memory_and_go_with_it(chat):
    place = ("users", "default", "preferences")
    await chat.store.aput(place, "preferences", {"response_style": "brief"})
    output = await chat.say("hello", enable_memory=False)
    assert "I am a simulated model" in output["messages"][-1].text


def test_a_user_chooses_only_how_they_are_spoken_to():
    chosen = Preferences.model_validate({"personality": "dry", "model": "openai:gpt-5"})
    found = Configuration(personality="warm", response_style="brief").preferred_by(chosen)
    assert (found.personality, found.response_style, found.model) == ("dry", "brief", "simulated")


async def test_a_tool_that_takes_too_long_is_given_up(make_chat, tavily_double):
    chat = make_chat(tavily_api_key=KEY, tavily_base_url=tavily_double.url)
    output = await chat.say("search for silence", tool_timeout=0.05)
    assert output["error"] == "Tool failed: search_web: It did not answer in 0.05 s."
    assert output["messages"][-1].type == "ai"


async def test_a_time_limit_of_the_tool_itself_is_not_mistaken_for_ours(chat):
    output = await chat.say("calculate 1/0", tool_timeout=0.05)
    assert output["error"] == "Tool failed: calculate: Division by zero."


async def test_no_more_interactions_are_kept_than_allowed(chat):
    for number in range(6):
        await chat.say(f"question {number}", max_memory_items=3)
    items = await chat.store.asearch(("users", "default", "interactions"), limit=100)
    assert {item.value["user"] for item in items} == {f"question {n}" for n in (3, 4, 5)}


async def test_interactions_beyond_their_days_are_neither_told_nor_kept(make_chat):
    heard = []
    chat = make_chat(hearing(heard))
    place = ("users", "default", "interactions")
    for days in (1, 8):
        at = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")
        value = {"thread_id": "old", "user": f"{days} days ago", "assistant": "yes", "at": at}
        await chat.store.aput(place, f"{days}", value)
    await chat.say("hello", memory_retention_days=7)
    assert ("'1 days ago'" in heard[0], "'8 days ago'" in heard[0]) == (True, False)
    kept = {item.value["user"] for item in await chat.store.asearch(place)}
    assert kept == {"1 days ago", "hello"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("personality", ""),
        ("response_style", "loud"),
        ("tool_timeout", 0),
        ("tool_timeout", 601),
        ("memory_retention_days", 0),
        ("max_memory_items", 0),
        ("max_memory_items", 201),
        ("content_filter", ["x"]),
        ("pii_detection", "maybe"),
    ],
)
async def test_a_value_beyond_its_limits_is_told_by_name(chat, field, value):
    assert field in (await chat.say("hello", **{field: value}))["error"]


def hearing(heard):
    """A model that writes down its instructions."""

    class Hearing(SimulatedModel):
        async def _agenerate(self, messages, *args, **kwargs):
            heard.append(messages[0].text)
            return await super()._agenerate(messages, *args, **kwargs)

    return lambda configuration: Hearing(tokens_per_second=1_000_000)
