"""Reads `langgraph.json`: which graphs to serve, and what they need around them.

Nothing is imported and nothing in the process is changed here. Every fault names the file as the
user gave it and the key.
"""

import json
import os
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dotenv.parser import parse_stream

from outrigger_server.domain.webhook import WebhookRules
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.graph_spec import GraphSpec
from outrigger_server.graphs.http_manifest import AuthSpec, HttpReader, HttpSpec
from outrigger_server.graphs.index_spec import IndexSpec, read_index
from outrigger_server.graphs.retention import Retention, read_retention
from outrigger_server.graphs.webhook_rules import read_webhook_rules
from outrigger_server.settings import setting_names
from outrigger_telemetry.setting_names import FILE

# Keys of the official format that say how to build an image.
_BUILD_KEYS = frozenset(
    {
        *("_INTERNAL_docker_tag", "api_version", "base_image", "dockerfile_lines"),
        *("image_distro", "keep_pkg_tools", "node_version", "pip_config_file", "pip_installer"),
        "python_version",
    }
)
# Keys of the official format that change what a server does, and what leaving them out means.
_UNSERVED_KEYS = {
    "auth": "without auth.path it says nothing of who may come in; see OUTRIGGER_AUTH",
    "encryption": "data is stored as it is, not encrypted",
    "ui": "no user interface components are served",
    "ui_config": "no user interface components are served",
}
_SERVED_KEYS = frozenset(
    {"graphs", "env", "dependencies", "checkpointer", "store", "webhooks", "auth", "http"}
)
_SERVED_PARTS = {
    "checkpointer": {"ttl"},
    "checkpointer.ttl": {"strategy", "default_ttl", "sweep_interval_minutes", "sweep_limit"},
    "store": {"index", "ttl"},
    "store.ttl": {"refresh_on_read", "default_ttl", "sweep_interval_minutes"},
}
_UNSERVED_PARTS = {
    "checkpointer": "checkpoints are kept in the server's own database, as it keeps them",
    "store": "items are kept in the server's own database, as it keeps them",
}

_SPEC_FORM = '"./file.py:variable" or "package.module:variable"'
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked `langgraph.json`."""

    path: Path
    """As the user gave it."""
    graphs: Mapping[str, GraphSpec]
    environment: Mapping[str, str]
    import_paths: tuple[Path, ...]
    """Directories that graphs import from: the local dependencies, then the manifest's own."""
    retention: Retention
    index: IndexSpec | None
    ignored_keys: tuple[str, ...]
    """Keys without effect here that the user may count on, sorted."""
    webhooks: WebhookRules = field(default_factory=WebhookRules)
    http: HttpSpec = field(default_factory=HttpSpec)
    auth: AuthSpec | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each ignored key: what it means that it is ignored."""
        return tuple(f"{self.path}: {key}: " + _consequence(key) for key in self.ignored_keys)


@dataclass(frozen=True, slots=True)
class ReadManifest:
    """What could be read of a `langgraph.json`, and what is wrong with the rest."""

    manifest: Manifest | None
    """Without what is wrong; None when the file is no JSON object at all."""
    faults: tuple[str, ...]
    wrong: frozenset[str]
    """The keys with a fault, such as `http.cors.max_age`."""

    def is_wrong(self, part: str) -> bool:
        """True when something in this part of the file has a fault."""
        asked = f"{part}."
        return any(asked.startswith(f"{key}.") or f"{key}.".startswith(asked) for key in self.wrong)


def load_manifest(path: Path, environ: Mapping[str, str]) -> Manifest:
    """Read and check the manifest; `environ` fills in `${NAME}` in the values of `env`.

    Raises:
        ConfigurationError: One line for each fault.
    """
    read = read_manifest(path, environ)
    if read.manifest is None or read.faults:
        raise ConfigurationError(read.faults)
    return read.manifest


def read_manifest(path: Path, environ: Mapping[str, str]) -> ReadManifest:
    """Read as `load_manifest` does, but go on over what is wrong."""
    reader = _Reader(path, environ)
    content = reader.content()
    manifest = None if reader.faults else _manifest(path, reader, content)
    return ReadManifest(manifest, tuple(reader.faults), frozenset(reader.wrong))


def _manifest(path: Path, reader: "_Reader", content: Mapping[str, Any]) -> Manifest:
    graphs = reader.graphs(content)
    environment = reader.environment(content.get("env"))
    import_paths = reader.import_paths(content.get("dependencies"))
    store = reader.part(content, "store")
    retention = read_retention(reader.part(content, "checkpointer"), store, reader.fault)
    index = read_index(store.get("index"), reader.place, reader.fault)
    webhooks = reader.webhooks(content.get("webhooks"), environment)
    around = HttpReader(reader.fault, reader.ignored.append, reader.place)
    http, auth = around.http(content.get("http")), around.auth(content.get("auth"))
    return Manifest(
        path=path,
        graphs=MappingProxyType(graphs),
        environment=MappingProxyType(environment),
        import_paths=import_paths,
        retention=retention,
        index=index,
        ignored_keys=tuple(sorted([*_ignored(content), *reader.ignored])),
        webhooks=webhooks,
        http=http,
        auth=auth,
    )


def _ignored(content: Mapping[str, Any]) -> list[str]:
    # A key that is null or empty asks for nothing.
    return [
        key
        for key, value in content.items()
        if key not in _SERVED_KEYS | {"$schema"} and (value or key not in _UNSERVED_KEYS)
    ]


def _consequence(key: str) -> str:
    if key in _BUILD_KEYS:
        return "says how to build an image; a running server does not need it"
    why = _UNSERVED_KEYS.get(key) or _UNSERVED_PARTS.get(key.partition(".")[0])
    return f"not applied by this version; {why}" if why else "unknown key, ignored"


class _Reader:
    """Reads one manifest part by part and gathers the faults of all parts."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._directory = path.absolute().parent.resolve()
        self._environ = environ
        self.faults: list[str] = []
        self.wrong: set[str] = set()
        self.ignored: list[str] = []

    def fault(self, key: str, text: str) -> None:
        """Take note of what is wrong with a key."""
        self.wrong.add(key)
        self.faults.append(f"{self._path}: {key}: {text}" if key else f"{self._path}: {text}")

    def content(self) -> dict[str, Any]:
        """Read the whole file as one JSON object."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.fault("", f"no such file (looked for {self._path.absolute()}); give --config")
        except (OSError, UnicodeDecodeError) as error:
            self.fault("", f"cannot be read: {_reason(error)}")
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            self.fault("", f"not JSON: {error.msg} ({where})")
        else:
            if isinstance(content, dict):
                return content
            self.fault("", f"must be a JSON object, is {_kind(content)}")
        return {}

    def part(self, content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Read an object of which only some keys are served."""
        entry = content.get(key)
        if entry is None:
            return {}
        if not isinstance(entry, dict):
            self.fault(key, f"must be an object, is {_kind(entry)}")
            return {}
        for place, values in ((key, entry), (f"{key}.ttl", entry.get("ttl"))):
            if isinstance(values, dict):
                names = [name for name in values if name not in _SERVED_PARTS[place]]
                self.ignored += [f"{place}.{name}" for name in names if values[name]]
        return entry

    def graphs(self, content: Mapping[str, Any]) -> dict[str, GraphSpec]:
        """Read which graphs there are."""
        entries = content.get("graphs")
        if entries is None:
            self.fault(
                "graphs", 'missing; name at least one, such as {"agent": "./agent.py:graph"}'
            )
            return {}
        if not isinstance(entries, dict):
            self.fault("graphs", f"must be an object of names and places, is {_kind(entries)}")
            return {}
        if not entries:
            self.fault("graphs", "empty; name at least one graph")
        specs = {name: self._graph(name, entry) for name, entry in entries.items()}
        return {name: spec for name, spec in specs.items() if spec is not None}

    def _graph(self, name: str, entry: Any) -> GraphSpec | None:
        key = f"graphs.{name}"
        if not name.strip():
            self.fault("graphs", "a graph has no name")
            return None
        description = None
        if isinstance(entry, dict):
            description = entry.get("description")
            self.ignored += [f"{key}.{k}" for k in entry if k not in {"path", "description"}]
            if not isinstance(description, str | None):
                self.fault(f"{key}.description", f"must be text, is {_kind(description)}")
                return None
            entry, key = entry.get("path"), f"{key}.path"
        if not isinstance(entry, str):
            self.fault(key, f"must be {_SPEC_FORM}, is {_kind(entry)}")
            return None
        return self._spec(key, entry, description)

    def place(self, key: str, text: str) -> GraphSpec | None:
        """Read where something other than a graph is."""
        return self._spec(key, text, None)

    def _spec(self, key: str, text: str, description: str | None) -> GraphSpec | None:
        place, _, attribute = text.strip().rpartition(":")
        if place.endswith((".js", ".ts", ".mjs", ".mts", ".jsx", ".tsx")):
            self.fault(key, f'"{text}" is JavaScript; this server runs Python graphs only')
            return None
        is_file = "/" in place or place.endswith(".py")
        parts = [] if is_file else place.split(".")
        if not place or not all(part.isidentifier() for part in [*parts, attribute]):
            self.fault(key, f'"{text}" is not of the form {_SPEC_FORM}')
            return None
        if not is_file:
            return GraphSpec(text, place, attribute, self._directory, description)
        # Not resolved: where files are mounted as links, each update renames the targets.
        file = Path(os.path.normpath(self._directory / place))
        if not file.is_file():
            self.fault(key, f'"{place}" does not exist (looked for {file})')
            return None
        return GraphSpec(text, file, attribute, self._directory, description)

    def environment(self, entry: Any) -> dict[str, str]:
        """Read the variables for the graphs, from the object or from the file it names."""
        if entry is None:
            return {}
        if isinstance(entry, str):
            raw = self._dotenv(entry) if entry.strip() else {}
        elif isinstance(entry, dict):
            raw = entry
        else:
            self.fault("env", f"must be an object or the path of a file, is {_kind(entry)}")
            return {}
        values: dict[str, str] = {}
        for name, value in raw.items():
            key = f"env.{name}"
            if not name or "=" in name or "\0" in name:
                self.fault(key, "not a name an environment variable can have")
            elif {name, name.removesuffix(FILE)} & setting_names():
                self.fault(key, "a setting of the server; set it in the process's environment")
            elif not isinstance(value, str):
                self.fault(key, f"must be text in quotes, is {_kind(value)}")
            else:
                values[name] = self._filled_in(key, value, values)
        return values

    def _dotenv(self, text: str) -> dict[str, Any]:
        file = self._directory / text
        try:
            with file.open(encoding="utf-8") as stream:
                bindings = list(parse_stream(stream))
        except FileNotFoundError:
            self.fault("env", f'"{text}" does not exist (looked for {file.resolve()})')
            return {}
        except (OSError, UnicodeDecodeError) as error:
            self.fault("env", f'"{text}" cannot be read: {_reason(error)}')
            return {}
        for binding in bindings:
            # The line itself may hold a secret: only its number is shown.
            if binding.error or (binding.key is not None and binding.value is None):
                where = f'"{text}", line {binding.original.line}'
                self.fault("env", f"{where} is not of the form NAME=value")
        return {b.key: b.value for b in bindings if b.key is not None and b.value is not None}

    def _filled_in(self, key: str, value: str, earlier: Mapping[str, str]) -> str:
        def fill_in(match: re.Match[str]) -> str:
            name, default = match.groups()
            found: str | None = self._environ.get(name, earlier.get(name))
            if found is None and default is None:
                self.fault(key, f"${{{name}}} is not set; set it, or write ${{{name}:-default}}")
            # As in a shell: with a default, empty counts as not set.
            return (found or default) if default is not None else (found or "")

        return _VARIABLE.sub(fill_in, value)

    def webhooks(self, entry: Any, own: Mapping[str, str]) -> WebhookRules:
        """Read the rules for webhooks, whose headers may hold variables."""
        return read_webhook_rules(entry, {**self._environ, **own}, self.fault)

    def import_paths(self, entries: Any) -> tuple[Path, ...]:
        """Read the local directories, and check that what else is named is installed."""
        entries = [] if entries is None else entries
        if not isinstance(entries, list):
            self.fault("dependencies", f"must be a list, is {_kind(entries)}")
            return ()
        directories: list[Path] = []
        for index, entry in enumerate(entries):
            key = f"dependencies[{index}]"
            if not isinstance(entry, str) or not entry.strip():
                self.fault(key, f"must be a directory or the name of a package, is {_kind(entry)}")
            elif entry.startswith((".", "/")):
                directories += self._local(key, entry)
            else:
                self._check_installed(key, entry.strip())
        return tuple(dict.fromkeys([*directories, self._directory]))

    def _local(self, key: str, text: str) -> list[Path]:
        directory = (self._directory / text).resolve()
        if directory.is_file():
            self.fault(key, f'"{text}" is a file; name its directory')
            return []
        if not directory.is_dir():
            self.fault(key, f'"{text}" does not exist (looked for {directory})')
            return []
        # A project with this layout need not be installed for its graphs to find their package.
        inner = directory / "src"
        is_project = any((directory / name).is_file() for name in ("pyproject.toml", "setup.py"))
        return [directory, inner] if is_project and inner.is_dir() else [directory]

    def _check_installed(self, key: str, text: str) -> None:
        match = _DISTRIBUTION.match(text)
        if match is None or "://" in text.partition("@")[0]:
            return  # a bare address: the name of what it holds is not known
        name = match.group()
        if _is_installed(name):
            return
        advice = f"run: pip install {shlex.quote(text)}"
        if (self._directory / text).is_dir():
            advice = f'for the directory write "./{text}"'
        self.fault(key, f"{name} is not installed; {advice}")


def _is_installed(name: str) -> bool:
    module = name.replace("-", "_")
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return module.isidentifier() and (module in sys.modules or find_spec(module) is not None)
    return True


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8 text"


def _kind(value: object) -> str:
    """Name the JSON type of a value, without the value: it may be a secret."""
    names = {
        type(None): "missing or null",
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "text" if value else "empty text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)
