"""What becomes of a user's message before the model, the memory and later runs see it.

The finding is langchain's; `create_agent` would run the same rules as `PIIMiddleware`.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from langchain.agents.middleware import PIIDetectionError, RedactionRule
from langchain_core.messages import HumanMessage

from task_maistro.configuration import Configuration

KINDS = {
    "email": "a mail address",
    "credit_card": "a credit card's number",
    "ip": "an IP address",
    "mac_address": "a MAC address",
}
UNWANTED = "unwanted"


class RefusedMessage(Exception):
    """The message may not be used; the text says why, without what it holds."""


def screened(message: HumanMessage, configuration: Configuration) -> HumanMessage:
    """Return the message without personal data, or itself where there is nothing to do.

    Raises:
        RefusedMessage: It holds a phrase of the content filter, or personal data that block it.
    """
    rules = [rule.resolve() for rule in rules_of(configuration)]

    def clean(text: str) -> str:
        for rule in rules:
            text, _ = rule.apply(text)
        return text

    try:
        content = _mapped(message.content, clean)
    except PIIDetectionError as error:
        raise RefusedMessage(_reason(error.pii_type)) from None
    return (
        message if content == message.content else message.model_copy(update={"content": content})
    )


def rules_of(configuration: Configuration) -> Iterator[RedactionRule]:
    """The rules of a run, in the order they are applied."""
    if configuration.content_filter:
        phrases = "|".join(re.escape(phrase) for phrase in configuration.content_filter)
        yield RedactionRule(UNWANTED, "block", rf"(?i)(?<!\w)(?:{phrases})(?!\w)")
    strategy = configuration.pii_detection
    if strategy != "off":
        yield from (RedactionRule(kind, strategy) for kind in KINDS)


def _reason(kind: str) -> str:
    if kind == UNWANTED:
        return "The message holds something that this assistant does not talk about."
    return f"The message holds {KINDS[kind]}; leave it out and send it again."


def _mapped(content: Any, clean: Callable[[str], str]) -> Any:
    """A message's content with its texts cleaned: a text, or a list of blocks."""
    if isinstance(content, str):
        return clean(content)
    return [_block(block, clean) for block in content]


def _block(block: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(block, str):
        return clean(block)
    text = block.get("text")
    return {**block, "text": clean(text)} if isinstance(text, str) else block
