"""What may be an idempotency key."""

import pytest

from outrigger_server.domain.idempotency import is_key


@pytest.mark.parametrize("text", ["a", "8e03978e-40d5-43e8-bc93-6894a57f9324", '"quoted"', "a b~!"])
def test_printable_ascii_is_a_key(text):
    assert is_key(text)


@pytest.mark.parametrize("text", ["", "\x7f", "a\tb", "a\nb", "a\n", "\0", "é", "€"])
def test_nothing_at_all_control_characters_and_other_letters_are_none(text):
    assert not is_key(text)


def test_a_key_has_255_characters_at_most():
    assert is_key("k" * 255)
    assert not is_key("k" * 256)
