"""Reads a file of assistants, and finds every fault in it at once."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from outrigger_server.assistants_apply.wanted import WantedAssistant, derived_id
from outrigger_server.errors import ConfigurationError

SHAPE = 'give a list of assistants, or an object with such a list under "assistants"'


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    tags: list[str] = Field(default_factory=list)
    recursion_limit: Annotated[int, Field(ge=1)] | None = None
    max_concurrency: Annotated[int, Field(ge=1)] | None = None
    configurable: dict[str, JsonValue] = Field(default_factory=dict)


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1)]
    graph: Annotated[str, Field(min_length=1)]
    assistant_id: str | None = None
    description: str | None = None
    config: _Config = Field(default_factory=_Config)
    context: dict[str, JsonValue] = Field(default_factory=dict)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    def wanted(self) -> WantedAssistant:
        """The entry as the server is asked for it."""
        given = self.assistant_id
        return WantedAssistant(
            assistant_id=derived_id(self.name, self.graph) if given is None else _spelled(given),
            name=self.name,
            graph=self.graph,
            description=self.description,
            config=self.config.model_dump(exclude_unset=True, exclude_none=True),
            context=self.context,
            metadata=self.metadata,
        )


def read_assistants(path: Path) -> list[WantedAssistant]:
    """The assistants of a YAML or JSON file, in its order.

    Raises:
        ConfigurationError: A line for each fault: the file, the entry and the field.
    """
    faults: list[str] = []
    wanted: list[WantedAssistant] = []
    for number, given in enumerate(_entries(path), start=1):
        place = f"{path}: entry {number}{_name(given)}"
        try:
            entry = _Entry.model_validate(given)
        except ValidationError as error:
            faults += [f"{place}: {line}" for line in _told(error)]
            continue
        found = _more_faults(entry)
        faults += [f"{place}: {line}" for line in found]
        if not found:
            wanted.append(entry.wanted())
    faults += [f"{path}: {line}" for line in _twice(wanted)]
    if faults:
        raise ConfigurationError(faults)
    return wanted


def _entries(path: Path) -> Sequence[Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError([f"{path}: cannot be read: {reason}"]) from error
    try:
        given = yaml.safe_load(text)  # JSON is YAML, too
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigurationError([f"{path}: {_yaml_fault(error)}"]) from error
    if isinstance(given, dict) and set(given) == {"assistants"}:
        given = given["assistants"]
    if not isinstance(given, list):
        raise ConfigurationError([f"{path}: {SHAPE}"])
    return given


def _yaml_fault(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).partition("\n")[0] or "too deep"
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return f"{where}not YAML or JSON: {problem}"


def _name(given: Any) -> str:
    name = given.get("name") if isinstance(given, dict) else None
    return f" ({name})" if isinstance(name, str) and name else ""


def _told(error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors():
        place = [str(part) for part in fault["loc"]]
        if fault["type"] == "missing":
            text = "this field is required"
        elif fault["type"] == "extra_forbidden":
            text = "there is no such field"
        elif not place:
            text = "an entry is an object with at least name and graph"
        elif fault["type"] == "invalid-json-value":
            free = 3 if place[0] == "config" else 2  # below, the kind of each value is named first
            place = place[:free] + place[free + 1 :: 2]
            text = f"{fault['input']!r:.60} is not JSON; quote what is not meant as a date"
        else:
            text = fault["msg"][:1].lower() + fault["msg"][1:]
        lines.append(": ".join([*([".".join(place)] if place else []), text]))
    return list(dict.fromkeys(lines))


def _more_faults(entry: _Entry) -> list[str]:
    faults = []
    if entry.assistant_id is not None and _spelled(entry.assistant_id) == "":
        faults.append(f"assistant_id: {entry.assistant_id!r} is not a UUID")
    if entry.config.configurable and entry.context:
        faults.append("context: give either this or config.configurable, not both")
    for field, text in (("name", entry.name), ("description", entry.description or "")):
        if "\0" in text:
            faults.append(f"{field}: NUL characters cannot be stored")
    return faults


def _spelled(assistant_id: str) -> str:
    """The id as servers spell it; empty when it is none."""
    try:
        return str(uuid.UUID(assistant_id))
    except ValueError:
        return ""


def _twice(wanted: list[WantedAssistant]) -> list[str]:
    seen: dict[str, str] = {}
    faults = []
    for each in wanted:
        if each.assistant_id in seen:
            other = seen[each.assistant_id]
            faults.append(
                f"{other} and {each.name} are the same assistant {each.assistant_id}: give them "
                "different names, or an assistant_id each"
            )
        seen[each.assistant_id] = each.name
    return faults
