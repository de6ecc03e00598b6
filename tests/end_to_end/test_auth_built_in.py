"""API keys and tokens as `OUTRIGGER_AUTH` asks for them, with the real SDK."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import jwt
import pytest
from langgraph_sdk import get_sync_client
from langgraph_sdk.errors import AuthenticationError

from harness.leaks import SECRETS
from harness.metrics_page import read_metrics
from harness.processes import ROOT, clean_environment, started_server
from harness.starts import refused_start, write_files

pytestmark = pytest.mark.end_to_end

SECRET = "a secret of thirty-two bytes, at least"
MIRROR = (ROOT / "tests" / "end_to_end" / "guarded" / "mirror.py").read_text()
GRAPHS = '"graphs": {"mirror": "./mirror.py:graph"}'
LONGER = "give 32 bytes or more: whoever guesses it signs tokens"
RULES = "from langgraph_sdk import Auth\nauth = Auth()\n@auth.authenticate\ndef who(): return 'a'\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_files(tmp_path, {"mirror.py": MIRROR, "langgraph.json": f"{{{GRAPHS}}}"})
    return tmp_path


def new_key(name: str) -> tuple[str, str]:
    """A key and its line, as the command prints them."""
    command = [sys.executable, "-m", "outrigger_server", "keys", "new", name]
    made = subprocess.run(
        command, env=clean_environment(), capture_output=True, text=True, check=True
    )
    key, line = made.stdout.splitlines()
    key = SECRETS.note(f"the key of {name}", key.removeprefix("key").strip())
    return key, line.removeprefix("line").strip()


def test_keys_let_in_and_can_be_changed_while_the_server_runs(project: Path) -> None:
    (first, first_line), (second, second_line) = new_key("ann"), new_key("bob")
    keys = project / "keys"
    keys.write_text(first_line + "\n")
    environment = {"OUTRIGGER_AUTH": "api_key", "OUTRIGGER_API_KEYS_FILE": str(keys)}
    with started_server(
        project / "data",
        config=project / "langgraph.json",
        sidecar=True,
        environment=environment,
    ) as server:
        with get_sync_client(url=server.url, api_key=first) as client:
            thread = client.threads.create()
            values = client.runs.wait(thread["thread_id"], "mirror", input={})
            assert values["seen"]["user_id"] == "ann"
        with (
            get_sync_client(url=server.url, api_key=second) as client,
            pytest.raises(AuthenticationError),
        ):
            client.threads.create()
        refused = httpx.post(f"{server.url}/threads", json={})
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        keys.write_text(second_line + "\n")
        with get_sync_client(url=server.url, api_key=second) as client:
            assert client.threads.get(thread["thread_id"])["thread_id"] == thread["thread_id"]
        gone = httpx.post(f"{server.url}/threads", json={}, headers={"x-api-key": first})
        assert gone.status_code == 401
        keys.write_text("no line of a key\n")
        with get_sync_client(url=server.url, api_key=second) as client:
            client.threads.create()
        assert read_metrics(server.sidecar_url).value("langgraph_auth_files_broken_total") == 1
    assert '"file_reloaded"' in server.log.read_text()
    assert SECRETS.logged_below(project) == []


def test_a_signed_token_lets_in_its_subject(project: Path) -> None:
    environment = {"OUTRIGGER_AUTH": "jwt", "OUTRIGGER_JWT_SECRET": SECRET}
    claims = {"sub": "ann", "exp": int(time.time()) + 600, "permissions": ["read"]}
    token = SECRETS.note("a token", jwt.encode(claims, SECRET, "HS256"))
    with started_server(
        project / "data", config=project / "langgraph.json", environment=environment
    ) as server:
        headers = {"authorization": f"Bearer {token}"}
        with get_sync_client(url=server.url, api_key=None, headers=headers) as client:
            thread = client.threads.create()
            values = client.runs.wait(thread["thread_id"], "mirror", input={})
        assert (values["seen"]["user_id"], values["seen"]["permissions"]) == ("ann", ["read"])
        forged = SECRETS.note("a forged token", jwt.encode(claims, SECRET + "x", "HS256"))
        headers = {"authorization": f"Bearer {forged}"}
        refused = httpx.post(f"{server.url}/threads", json={}, headers=headers)
        assert (refused.status_code, refused.json()) == (401, {"detail": "Invalid token"})
    assert SECRETS.logged_below(project) == []


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"OUTRIGGER_AUTH": "api_key"}, "OUTRIGGER_API_KEYS_FILE: api_key needs it; set it"),
        ({"OUTRIGGER_AUTH": "jwt"}, "OUTRIGGER_JWT_SECRET: HS256 needs it; set it"),
        (
            {"OUTRIGGER_AUTH": "password"},
            "OUTRIGGER_AUTH is 'password': give one of none, api_key, jwt",
        ),
        (
            {"OUTRIGGER_AUTH": "jwt", "OUTRIGGER_JWT_SECRET": "short-one"},
            f"OUTRIGGER_JWT_SECRET is wrong (a secret, not shown): {LONGER}",
        ),
    ],
    ids=["no_keys", "no_secret", "no_such_way", "short_secret"],
)
def test_settings_that_would_let_nobody_in_stop_the_start(
    project: Path, environment: dict[str, str], says: str
) -> None:
    ended = refused_start(project, environment=environment)
    assert ended.stderr.splitlines()[-1:] == [f"outrigger: {says}"]
    assert ended.code == 1
    assert not ended.listens


def test_two_ways_to_come_in_stop_the_start(project: Path) -> None:
    (project / "langgraph.json").write_text(f'{{{GRAPHS}, "auth": {{"path": "./rules.py:auth"}}}}')
    (project / "rules.py").write_text(RULES)
    environment = {"OUTRIGGER_AUTH": "jwt", "OUTRIGGER_JWT_SECRET": SECRET}
    ended = refused_start(project, environment=environment)
    assert ended.stderr.splitlines()[-1].endswith(
        "has auth.path: each says who may come in; remove one"
    )
    (project / "rules.py").write_text("auth = 3\n")
    ended = refused_start(project)
    assert ended.stderr.splitlines()[-1] == (
        "outrigger: auth.path: ./rules.py:auth is int, not a langgraph_sdk.Auth"
    )
