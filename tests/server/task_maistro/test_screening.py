"""What a message loses before anything is done with it, and which ones are refused."""

import hashlib

import pytest
from langchain_core.messages import HumanMessage

from task_maistro.configuration import Configuration
from task_maistro.screening import RefusedMessage, screened
from task_maistro.simulated_model import SimulatedModel

MAIL = "write to ada@example.org soon"
DIGEST = hashlib.sha256(b"ada@example.org").hexdigest()[:8]
CARD = "4111 1111 1111 1111"


def said(text, **configuration):
    return screened(HumanMessage(text, id="m"), Configuration.model_validate(configuration)).text


@pytest.mark.parametrize(
    ("care", "text"),
    [
        ("off", MAIL),
        ("redact", "write to [REDACTED_EMAIL] soon"),
        ("mask", "write to ada@****.org soon"),
        ("hash", f"write to <email_hash:{DIGEST}> soon"),
    ],
)
def test_personal_data_are_kept_or_replaced(care, text):
    assert said(MAIL, pii_detection=care) == text


@pytest.mark.parametrize(("given", "meant"), [(False, "off"), (True, "redact")])
def test_yes_and_no_are_understood_as_yaml_reads_on_and_off(given, meant):
    assert Configuration.model_validate({"pii_detection": given}).pii_detection == meant


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (MAIL, "a mail address"),
        (f"my card is {CARD}", "a credit card's number"),
        ("it runs on 192.168.7.20", "an IP address"),
        ("its port is 00:1b:44:11:3a:b7", "a MAC address"),
    ],
)
def test_each_kind_of_personal_data_blocks_with_its_name_alone(text, kind):
    with pytest.raises(RefusedMessage, match=f"holds {kind}"):
        said(text, pii_detection="block")


def test_several_kinds_are_replaced_in_one_message():
    text = said(f"{MAIL}, card {CARD}", pii_detection="redact")
    assert text == "write to [REDACTED_EMAIL] soon, card [REDACTED_CREDIT_CARD]"


def test_a_number_that_is_no_card_stays():
    assert said("order 1234 5678 1234 5678", pii_detection="redact").endswith("1234 5678")


def test_texts_among_blocks_are_cleaned_and_other_blocks_stay():
    picture = {"type": "image", "url": "https://example.org/a.png"}
    message = HumanMessage([{"type": "text", "text": MAIL}, picture])
    cleaned = screened(message, Configuration(pii_detection="redact"))
    text = {"type": "text", "text": "write to [REDACTED_EMAIL] soon"}
    assert cleaned.content == [text, picture]


def test_a_clean_message_is_the_same_one():
    message = HumanMessage("hello")
    assert screened(message, Configuration(pii_detection="redact")) is message


@pytest.mark.parametrize("text", ["My Password Is x", "well, my password is x"])
def test_a_phrase_of_the_filter_refuses_whatever_its_case(text):
    with pytest.raises(RefusedMessage, match="does not talk about"):
        said(text, content_filter=["my password is"])


def test_a_phrase_within_another_word_is_not_meant():
    assert said("a classic", content_filter=["class"]) == "a classic"


async def test_neither_model_nor_memory_nor_thread_keeps_what_was_replaced(make_chat):
    prompts = []
    chat = make_chat(recording(prompts))
    output = await chat.say(f"my name is Ada, {MAIL}", pii_detection="redact")
    state = await chat.graph.aget_state(chat.config())
    kept = [item.value for item in await chat.store.asearch(("users",))]
    assert "[REDACTED_EMAIL]" in repr(kept)
    assert "ada@example.org" not in repr([prompts, output, state.values, kept])


@pytest.mark.parametrize(
    "configuration", [{"pii_detection": "block"}, {"content_filter": ["write to"]}]
)
async def test_a_refused_message_is_taken_out_and_the_next_is_answered(make_chat, configuration):
    prompts = []
    chat = make_chat(recording(prompts))
    refused = await chat.say(MAIL, **configuration)
    assert refused["messages"] == []
    assert refused["error"].startswith("The message holds")
    output = await chat.say("hello", **configuration)
    assert ([m.type for m in output["messages"]], output["error"]) == (["human", "ai"], None)
    assert MAIL not in repr(prompts)


async def test_every_message_since_the_last_answer_is_screened(make_chat):
    chat = make_chat()
    output = await chat.send([HumanMessage(MAIL), HumanMessage("hello")], pii_detection="redact")
    assert "ada@example.org" not in repr(output["messages"])


async def test_a_refused_message_leaves_the_one_before_it(chat):
    sent = [HumanMessage("what is 1+1"), HumanMessage(MAIL)]
    output = await chat.send(sent, pii_detection="block")
    assert [m.text for m in output["messages"]] == ["what is 1+1"]
    assert "a mail address" in output["error"]


def recording(prompts):
    class Recording(SimulatedModel):
        async def _agenerate(self, messages, *args, **kwargs):
            prompts.append(messages)
            return await super()._agenerate(messages, *args, **kwargs)

    return lambda configuration: Recording(tokens_per_second=1_000_000)
