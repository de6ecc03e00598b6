"""Secrets out of files: `NAME_FILE` names the file that holds what `NAME` would say.

Pure but for reading those files: from the environment to one without `NAME_FILE`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from outrigger_telemetry.setting_names import FILE, SECRET_NAMES

MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Opened:
    """The environment with the secrets in it, and one line for each that could not be read."""

    environ: Mapping[str, str]
    faults: list[str] = field(default_factory=list)
    missed: frozenset[str] = frozenset()
    """The secrets that could not be read."""


def open_secrets(environ: Mapping[str, str]) -> Opened:
    """Read the files that `environ` names. What is wrong with one is told without its content.

    An end of line at the end of a file is no part of the secret. An environment without such
    names comes back as it is, so asking twice does no harm.
    """
    named = [name for name in SECRET_NAMES if name + FILE in environ]
    if not named:
        return Opened(environ)
    files = {name + FILE for name in named}
    opened = {name: value for name, value in environ.items() if name not in files}
    faults, missed = [], set()
    for name in named:
        try:
            if opened.get(name):
                msg = f"{name} is set, too; unset one of them"
                raise ValueError(msg)  # noqa: TRY301  told like what is wrong with the file
            opened[name] = _content(environ[name + FILE])
        except ValueError as fault:
            faults.append(f"{name}{FILE}: {fault}")
            missed.add(name)
    return Opened(opened, faults, frozenset(missed))


def _content(named: str) -> str:
    if not named.strip():
        msg = "it is empty; give the path of a file, or unset it"
        raise ValueError(msg)
    try:
        with Path(named).expanduser().open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "cannot be read"
        msg = f"{named}: {reason}"
        raise ValueError(msg) from error
    if len(content) > MOST_BYTES:
        msg = f"{named} is larger than {MOST_BYTES} bytes: no secret is"
        raise ValueError(msg)
    try:
        secret = content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        msg = f"{named} is not UTF-8 text"
        raise ValueError(msg) from None
    if not secret.strip():
        msg = f"{named} is empty"
        raise ValueError(msg)
    if "\0" in secret:
        msg = f"{named} holds a zero byte"
        raise ValueError(msg)
    return secret
