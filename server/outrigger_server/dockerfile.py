"""Writes a Dockerfile for the graphs of a `langgraph.json`; builds and reads nothing else.

The image holds no value of `env`: the names are told in a comment, and are given at run time.
What is in it and how it is started is as in the server's own Dockerfile.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from outrigger_server.errors import ConfigurationError

USER = 10001
DEFAULT_PYTHON = "3.12"
_PYTHON = re.compile(r"3\.(?:1[1-9]|[2-9]\d)")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]+")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_APPLIED = ("base_image", "image_distro", "node_version", "pip_installer", "keep_pkg_tools")

_BUILD = """\
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
RUN python -m venv /opt/outrigger
ENV PATH=/opt/outrigger/bin:$PATH
ARG OUTRIGGER="{distribution}"
# hadolint ignore=DL3013
RUN {mount}pip install "$OUTRIGGER"
COPY . /app
"""
_RUNTIME = """\
FROM base
LABEL org.opencontainers.image.title="{title}" \\
      org.opencontainers.image.description="LangGraph graphs, served by Outrigger."
RUN groupadd --gid {user} outrigger \\
    && useradd --uid {user} --gid {user} --no-create-home --home-dir /var/lib/outrigger \\
        outrigger \\
    && install -d -o {user} -g {user} -m 750 /var/lib/outrigger /run/outrigger \\
        /run/outrigger/metrics
COPY --from=build /opt/outrigger /opt/outrigger
COPY --from=build /app /app
ENV PATH=/opt/outrigger/bin:$PATH \\
    PYTHONUNBUFFERED=1 \\
    PYTHONDONTWRITEBYTECODE=1 \\
    OUTRIGGER_HOST=0.0.0.0 \\
    OUTRIGGER_PORT=8000 \\
    OUTRIGGER_CONFIG=/app/{config} \\
    OUTRIGGER_DATA_DIR=/var/lib/outrigger \\
    OUTRIGGER_METRICS_DIR=/run/outrigger/metrics
WORKDIR /app
USER {user}:{user}
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \\
    CMD ["python", "-m", "outrigger_server.health", "/run/outrigger/metrics", "8000"]
CMD ["outrigger", "serve"]
"""
_WITHOUT_ENV = (
    "import json, pathlib; path = pathlib.Path('{config}'); "
    "content = json.loads(path.read_text()); content.pop('env', None); "
    "path.write_text(json.dumps(content, indent=2))"
)


@dataclass
class ImageSpec:
    """What a `langgraph.json` says of its image. Faults are gathered, not raised."""

    config: Path
    content: Mapping[str, Any]
    faults: list[str] = field(default_factory=list)

    def fault(self, key: str, text: str) -> None:
        """Take note of what is wrong with a key."""
        self.faults.append(f"{self.config}: {key}: {text}")

    @property
    def folder(self) -> Path:
        """What the build sees."""
        return self.config.absolute().parent.resolve()

    def python(self) -> str:
        """The version of Python to use."""
        given = self.content.get("python_version") or DEFAULT_PYTHON
        if not isinstance(given, str) or not _PYTHON.fullmatch(given):
            self.fault("python_version", f"is {given!r}; give 3.11 or newer in quotes")
        return str(given)

    def lines(self) -> list[str]:
        """Lines of the user's own, for all stages."""
        given = self.content.get("dockerfile_lines") or []
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            self.fault("dockerfile_lines", "must be a list of lines")
            return []
        return given

    def pip_config(self) -> str | None:
        """The configuration of pip, as a path from the folder; it may name secrets."""
        given = self.content.get("pip_config_file")
        if not given:
            return None
        path = self._inside("pip_config_file", given)
        if path is not None and not (self.folder / path).is_file():
            self.fault("pip_config_file", f'"{given}" does not exist')
        return path

    def installs(self) -> list[str]:
        """What pip has to install, as its arguments, in the order given."""
        given = self.content.get("dependencies") or []
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            self.fault("dependencies", "must be a list of folders and names of packages")
            return []
        named = [shlex.quote(each.strip()) for each in given if not _is_local(each)]
        local = [each for entry in given if _is_local(entry) for each in self._local(entry)]
        return [" ".join(named)] * bool(named) + local

    def _local(self, entry: str) -> list[str]:
        place = self._inside("dependencies", entry)
        if place is None:
            return []
        folder = self.folder / place
        if not folder.is_dir():
            self.fault("dependencies", f'"{entry}" is no folder')
            return []
        found = []
        if (folder / "requirements.txt").is_file():
            found.append(f"-r {shlex.quote(str(Path(place) / 'requirements.txt'))}")
        if any((folder / name).is_file() for name in ("pyproject.toml", "setup.py")):
            found.append(f"--editable {shlex.quote(f'./{place}')}")
        return found

    def variables(self) -> tuple[list[str], str | None]:
        """The names of `env`, and the file they stand in, if they do."""
        given = self.content.get("env")
        if not given:
            return [], None
        if isinstance(given, dict):
            return self._names(given), None
        if not isinstance(given, str):
            self.fault("env", "must be an object or the path of a file")
            return [], None
        path = self._inside("env", given)
        if path is None or not (self.folder / path).is_file():
            return [], path  # where images are built there may be none, and need not be
        with (self.folder / path).open(encoding="utf-8") as stream:
            return self._names([line.key for line in parse_stream(stream) if line.key]), path

    def _names(self, names: Any) -> list[str]:
        for name in names:
            if not _VARIABLE.fullmatch(name):
                self.fault("env", f"{name!r} is no name of a variable")
        return sorted(names)

    def _inside(self, key: str, text: Any) -> str | None:
        """The path from the folder, if it is one below it that needs no quotes."""
        if not isinstance(text, str):
            self.fault(key, "must be a path")
            return None
        path = (self.folder / text).resolve()
        if not path.is_relative_to(self.folder):
            self.fault(key, f'"{text}" lies outside {self.folder}, which is all that a build sees')
            return None
        inside = str(path.relative_to(self.folder))
        if not _PLAIN_PATH.fullmatch(inside):
            self.fault(key, f'"{text}" has letters that a Dockerfile cannot take in a path')
        return inside


def _is_local(entry: str) -> bool:
    return entry.startswith((".", "/"))


def read_image_spec(config: Path) -> ImageSpec:
    """Read the file.

    Raises:
        ConfigurationError: It is not there, or is no JSON object.
    """
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError([f"{config}: cannot be read: {error}"]) from error
    if not isinstance(content, dict):
        raise ConfigurationError([f"{config}: must be a JSON object"])
    return ImageSpec(config, content)


def dockerfile(spec: ImageSpec, distribution: str) -> str:
    """The text; `distribution` is what pip installs as the server.

    Raises:
        ConfigurationError: One line for each fault in the file.
    """
    if not _PLAIN_NAME.fullmatch(spec.config.name):
        spec.fault("", "its name has letters that a Dockerfile cannot take")
    lines, python = spec.lines(), spec.python()
    names, env_file = spec.variables()
    pip_config, installs = spec.pip_config(), spec.installs()
    if spec.faults:
        raise ConfigurationError(spec.faults)
    mount = f"--mount=type=bind,source={pip_config},target=/etc/pip.conf " if pip_config else ""
    config = spec.config.name
    secret_files = " ".join(each for each in (env_file, pip_config) if each)
    strip = f'RUN python -c "{_WITHOUT_ENV.format(config=config)}"'
    parts = [
        _heading(spec, names),
        f"ARG BASE=python:{python}-slim",
        "",
        "FROM ${BASE} AS base",
        *lines,
        "",
        "FROM base AS build",
        _BUILD.format(distribution=distribution, mount=mount).rstrip(),
        *_install_lines(installs, mount),
        f"{strip} \\\n    && rm -f {secret_files}" if secret_files else strip,
        "",
        _RUNTIME.format(title=spec.folder.name or "graphs", user=USER, config=config),
    ]
    return "\n".join(parts)


def _install_lines(installs: list[str], mount: str) -> list[str]:
    if not installs:
        return []
    commands = " \\\n    && ".join(f"pip install {each}" for each in installs)
    return ["# hadolint ignore=DL3013", f"RUN {mount}{commands}"]


def _heading(spec: ImageSpec, names: list[str]) -> str:
    lines = [
        f"# Written by `outrigger dockerfile` for {spec.config.name}; build it in this folder."
    ]
    if names:
        lines.append(f"# Not in the image, to be given at run time: {', '.join(names)}")
    ignored = [key for key in _NOT_APPLIED if spec.content.get(key)]
    if ignored:
        lines.append(f"# Not applied here: {', '.join(ignored)}")
    return "\n".join(lines)
