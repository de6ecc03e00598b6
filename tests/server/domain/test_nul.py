"""Where a NUL may hide."""

import pytest

from outrigger_server.domain.nul import holds_nul


@pytest.mark.parametrize("value", ["\0", "a\0b", ["\0"], {"k": {"x": ["\0"]}}, {"\0": 1}, ("\0",)])
def test_a_nul_is_found_in_texts_keys_and_lists(value):
    assert holds_nul(value)


@pytest.mark.parametrize(
    "value", ["", "0", "\\0", "\\u0000", 0, None, True, [], {}, b"\0", {"k": [1, "x"]}]
)
def test_nothing_else_is_one(value):
    assert not holds_nul(value)
