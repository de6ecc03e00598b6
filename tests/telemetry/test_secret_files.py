"""Secrets in files: what is read of them, and what is said of a file that is wrong."""

from pathlib import Path

import pytest

from outrigger_server.errors import ConfigurationError
from outrigger_server.settings import environment_names, load_settings, setting_names
from outrigger_server.settings.process import field_names, groups
from outrigger_sidecar import settings as sidecar_settings
from outrigger_sidecar.errors import ConfigurationError as SidecarFault
from outrigger_telemetry.secret_files import MOST_BYTES, open_secrets
from outrigger_telemetry.setting_names import SECRET_NAMES, unknown_names


def written(folder: Path, content: bytes) -> str:
    path = folder / "secret"
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_every_secret_may_be_in_a_file(name: str, tmp_path: Path) -> None:
    file = written(tmp_path, b"hush\n")
    opened = open_secrets({f"{name}_FILE": file, "PATH": "/bin"})
    assert (opened.environ, opened.faults) == ({name: "hush", "PATH": "/bin"}, [])
    assert unknown_names([f"{name}_FILE"]) == []


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (b"hush", "hush"),
        (b"hush\n", "hush"),
        (b"hush\r\n", "hush"),
        (b" hush \n", " hush "),
        (b"two\nlines\n", "two\nlines"),
        ("gehärtet\n".encode(), "gehärtet"),
    ],
)
def test_the_end_of_the_line_is_no_part_of_it(content: bytes, secret: str, tmp_path: Path) -> None:
    opened = open_secrets({"REDIS_URI_FILE": written(tmp_path, content)})
    assert opened.environ == {"REDIS_URI": secret}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "{file} is empty"),
        (b" \n", "{file} is empty"),
        (b"\xff\xfehush", "{file} is not UTF-8 text"),
        (b"hu\0sh", "{file} holds a zero byte"),
        (b"hush" * MOST_BYTES, f"{{file}} is larger than {MOST_BYTES} bytes: no secret is"),
    ],
)
def test_a_file_that_holds_no_secret_is_told_without_what_it_holds(
    content: bytes, says: str, tmp_path: Path
) -> None:
    file = written(tmp_path, content)
    opened = open_secrets({"REDIS_URI_FILE": file})
    assert opened.faults == [f"REDIS_URI_FILE: {says.format(file=file)}"]
    assert opened.environ == {}


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    opened = open_secrets(
        {
            "REDIS_URI_FILE": str(tmp_path / "gone"),
            "POSTGRES_URI_FILE": str(tmp_path),
            "OUTRIGGER_JWT_SECRET_FILE": " ",
            "LANGSMITH_API_KEY_FILE": "~nobody-of-this-name/key",
        }
    )
    assert sorted(opened.faults) == [
        "LANGSMITH_API_KEY_FILE: ~nobody-of-this-name/key: cannot be read",
        "OUTRIGGER_JWT_SECRET_FILE: it is empty; give the path of a file, or unset it",
        f"POSTGRES_URI_FILE: {tmp_path}: Is a directory",
        f"REDIS_URI_FILE: {tmp_path / 'gone'}: No such file or directory",
    ]


def test_a_secret_that_is_given_twice_is_refused_but_an_empty_one_is_none(tmp_path: Path) -> None:
    file = written(tmp_path, b"hush\n")
    both = open_secrets({"REDIS_URI": "redis://here", "REDIS_URI_FILE": file})
    assert both.faults == ["REDIS_URI_FILE: REDIS_URI is set, too; unset one of them"]
    empty = open_secrets({"REDIS_URI": "", "REDIS_URI_FILE": file})
    assert (empty.environ, empty.faults) == ({"REDIS_URI": "hush"}, [])


def test_who_asks_again_gets_the_same() -> None:
    environ = {"REDIS_URI": "redis://here", "OUTRIGGER_API_KEYS_FILE": "keys"}
    assert open_secrets(environ).environ is environ


def test_every_setting_that_is_a_secret_may_be_in_a_file() -> None:
    server = {
        name
        for _, group in groups()
        for name, field in group.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    sidecar = {
        name
        for name, field in sidecar_settings.Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    assert {"postgres_uri", "jwt_secret"} <= server <= set(field_names())
    assert {"token", "relay_key"} <= sidecar
    names = {each for name in server for each in environment_names(name)}
    names |= {each for name in sidecar for each in sidecar_settings.environment_names(name)}
    assert names <= set(SECRET_NAMES)
    # And no setting has the name of such a file already.
    assert not {f"{name}_FILE" for name in SECRET_NAMES} & setting_names()


def test_server_and_sidecar_read_them(tmp_path: Path) -> None:
    uri, token = tmp_path / "uri", tmp_path / "token"
    uri.write_text("postgresql://me:hush@db/a\n")
    token.write_text("hush-hush\n")
    server = load_settings({"DATABASE_URI_FILE": str(uri)})
    assert server.scale.postgres_uri is not None
    assert server.scale.postgres_uri.get_secret_value() == "postgresql://me:hush@db/a"
    environ = {"POSTGRES_URI_FILE": str(uri), "OUTRIGGER_SIDECAR_TOKEN_FILE": str(token)}
    sidecar = sidecar_settings.load_settings(environ, {})
    assert sidecar.postgres_uri == server.scale.postgres_uri
    assert sidecar.token is not None
    assert sidecar.token.get_secret_value() == "hush-hush"


def test_faults_of_files_come_with_all_other_faults() -> None:
    environ = {"POSTGRES_URI_FILE": "/gone", "REDIS_URI": "redis://r", "OUTRIGGER_PORT": "x"}
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ)
    with pytest.raises(SidecarFault) as also:
        sidecar_settings.load_settings({**environ, "OUTRIGGER_SIDECAR_PORT": "x"}, {})
    fault = "POSTGRES_URI_FILE: /gone: No such file or directory"
    assert [each.partition(" is ")[0] for each in caught.value.faults] == [fault, "OUTRIGGER_PORT"]
    assert fault in also.value.faults
    assert not any("REDIS_URI" in each for each in also.value.faults)
