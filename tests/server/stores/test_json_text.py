"""JSON in columns: whatever was written is read back."""

import pytest

from outrigger_server.stores.json_text import json_text, json_value


@pytest.mark.parametrize(
    "value",
    [None, "é\0", {"k": [1, 0.5, True]}, "\ud83d", {"\ude00": ["\ude00\ud83d", 2**70]}, 2**64 - 1],
    ids=ascii,
)
def test_what_was_written_is_read_back(value):
    assert json_value(json_text(value)) == value
    assert json_value(json_text(value).encode()) == value


@pytest.mark.parametrize("text", ["", "{", '"\\u00"', "nul"])
def test_what_is_no_json_is_an_error(text):
    with pytest.raises(ValueError, match="line 1"):
        json_value(text)
