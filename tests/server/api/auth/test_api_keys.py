"""API keys: their file, its changes, and who they let in."""

import pytest
from starlette.requests import Request

from outrigger_server.api.auth.api_keys import (
    ApiKeyAuthenticator,
    digest_of,
    new_key,
    parse_keys,
)
from outrigger_server.api.auth.authenticator import Refused
from outrigger_server.api.auth.watched_file import WatchedFile
from outrigger_server.errors import ConfigurationError


class KeyFile:
    """A file of keys that counts how often it was found broken."""

    def __init__(self, path):
        self.path = path
        self.broken = 0

    def write(self, text):
        new = self.path.with_suffix(".new")
        new.write_text(text)
        new.replace(self.path)

    def note(self):
        self.broken += 1

    def opened(self):
        return ApiKeyAuthenticator(
            WatchedFile("OUTRIGGER_API_KEYS_FILE", self.path, parse_keys, self.note)
        )


@pytest.fixture
def file(tmp_path):
    return KeyFile(tmp_path / "keys")


def line(name, key):
    return f"{name}:{digest_of(key)}\n"


async def entering(authenticator, **headers):
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return await authenticator.authenticate(Request({"type": "http", "headers": raw}))


async def refusal(authenticator, **headers):
    with pytest.raises(Refused) as caught:
        await entering(authenticator, **headers)
    assert caught.value.status_code == 401
    return caught.value.reason


async def test_several_keys_let_in_at_once_by_either_header(file):
    old, new, other = new_key(), new_key(), new_key()
    file.write("# keys\n\n" + line("ann", old) + line("ann", new) + line("bob", other))
    gate = file.opened()
    for key in (old, new):
        assert (await entering(gate, x_api_key=key)).identity == "ann"
        assert (await entering(gate, authorization=f"Bearer {key}")).identity == "ann"
    assert (await entering(gate, authorization=f"bearer {other}")).identity == "bob"


async def test_what_is_no_key_does_not_let_in(file):
    key = new_key()
    file.write(line("ann", key))
    gate = file.opened()
    assert await refusal(gate) == "missing"
    assert await refusal(gate, authorization=f"Basic {key}") == "missing"
    assert await refusal(gate, x_api_key=digest_of(key)) == "invalid"
    assert await refusal(gate, x_api_key=key + "x") == "invalid"
    assert await refusal(gate, x_api_key="é") == "invalid"


async def test_a_changed_file_counts_at_once(file):
    first, second = new_key(), new_key()
    file.write(line("ann", first))
    gate = file.opened()
    file.write(line("ann", second))
    assert await refusal(gate, x_api_key=first) == "invalid"
    assert (await entering(gate, x_api_key=second)).identity == "ann"
    assert file.broken == 0


async def test_a_broken_file_leaves_the_old_keys_and_is_counted_once(file):
    key = new_key()
    file.write(line("ann", key))
    gate = file.opened()
    file.write("ann:plain-text-secret\n")
    for _ in range(3):
        assert (await entering(gate, x_api_key=key)).identity == "ann"
    assert file.broken == 1
    file.path.unlink()
    assert (await entering(gate, x_api_key=key)).identity == "ann"
    assert file.broken == 2
    file.write("# nobody\n")
    assert await refusal(gate, x_api_key=key) == "invalid"


@pytest.mark.parametrize("text", [None, "ann:secret", "ann " + "0" * 64])
def test_a_file_that_is_bad_at_the_start_stops_it_and_is_not_quoted(file, text):
    if text is not None:
        file.write(text)
    with pytest.raises(ConfigurationError, match="OUTRIGGER_API_KEYS_FILE") as caught:
        file.opened()
    assert "secret" not in str(caught.value)


def test_two_new_keys_differ():
    assert new_key() != new_key()
    assert len(new_key()) > 40
