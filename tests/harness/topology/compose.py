"""Reads docker-compose.yml and the Dockerfiles as an engine would, as far as tests need it."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.processes import ROOT

COMPOSE = ROOT / "docker-compose.yml"
TLS_COMPOSE = ROOT / "deploy" / "tls.compose.yml"
SECRETS_AT = "/run/secrets/"
_VARIABLE = re.compile(r"\$\$|\$\{([A-Z_]+)(?::-([^}]*))?\}")
_PAIR = re.compile(r"(\w+)=(\S+)")


@dataclass(frozen=True)
class Service:
    """One service, its image's own environment and command joined with what compose says."""

    name: str
    words: list[str]
    """What is executed."""
    environment: dict[str, str]
    content: dict[str, Any]

    @property
    def mounts(self) -> dict[str, str]:
        """What is mounted, by the place in the container: a path or the name of a volume."""
        pairs = [each.split(":") for each in self.content.get("volumes", ())]
        return {there: here for here, there, *_ in pairs}


@dataclass(frozen=True)
class ComposeFile:
    """The file with its variables filled in."""

    content: dict[str, Any]

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.content["services"]
        return found

    def service(self, name: str) -> Service:
        """A service as it is started."""
        content = self.services[name]
        image = _image_environment(content["build"]["dockerfile"]) if "build" in content else {}
        given = content.get("environment") or {}
        environment = image | {key: text for key, text in given.items() if text is not None}
        return Service(name, _words(content), environment, content)


def compose_file(variables: Mapping[str, str] | None = None, path: Path = COMPOSE) -> ComposeFile:
    """Read it; `variables` are those of the shell that starts it."""
    known = variables or {}

    def filled_in(match: re.Match[str]) -> str:
        if match.group() == "$$":
            return "$"
        return known.get(match[1]) or match[2] or ""

    return ComposeFile(_filled(yaml.safe_load(path.read_text()), filled_in))


def _filled(value: Any, filled_in: Any) -> Any:
    if isinstance(value, str):
        return _VARIABLE.sub(filled_in, value)
    if isinstance(value, list):
        return [_filled(each, filled_in) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, filled_in) for key, each in value.items()}
    return value


def _words(content: Mapping[str, Any]) -> list[str]:
    command = content.get("command")
    if command is None and "build" in content:
        command = _image_command(content["build"]["dockerfile"])
    return [*content.get("entrypoint", ()), *(command or ())]


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """The instructions of the last stage, with lines joined."""
    text = (ROOT / dockerfile).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = [
        (word, rest.strip()) for word, _, rest in (line.strip().partition(" ") for line in lines)
    ]
    last = max(number for number, (word, _) in enumerate(found) if word == "FROM")
    return found[last:]


def _image_environment(dockerfile: str) -> dict[str, str]:
    texts = [rest for word, rest in instructions(dockerfile) if word == "ENV"]
    return {key: text for rest in texts for key, text in _PAIR.findall(rest) if key != "PATH"}


def _image_command(dockerfile: str) -> list[str]:
    (rest,) = [rest for word, rest in instructions(dockerfile) if word == "CMD"]
    return [each.strip(",") for each in shlex.split(rest.strip("[]"))]
