"""Says what is wrong with given values: the setting, the value, and what to give instead."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from outrigger_server.settings.group import SettingsGroup
from outrigger_server.settings.table import shown_default

_USER_INFO = re.compile(r"://[^/\s]*@")
_LONGEST_SHOWN_VALUE = 80


def faults_of(
    group: type[SettingsGroup], error: ValidationError, sources: Mapping[str, str]
) -> list[str]:
    """One line for each wrong value; `sources` says how its giver calls it."""
    faults: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][0])
        if name not in sources:  # its default is made from a setting that is wrong itself
            continue
        field = group.model_fields[name]
        if detail["type"] == "value_error":
            advice = str(detail["ctx"]["error"])
        else:
            advice = f"give {_expected(field)}"
            if detail["input"] is None:
                advice += ", or unset it"
        faults.setdefault(name, f"{sources[name]} {_shown_value(field, detail['input'])}: {advice}")
    return list(faults.values())


def _shown_value(field: FieldInfo, value: object) -> str:
    if value is None:
        return "is empty"
    if SecretStr in {field.annotation, *get_args(field.annotation)}:
        return "is wrong (a secret, not shown)"
    text = _USER_INFO.sub("://***@", ",".join(value) if isinstance(value, tuple) else str(value))
    if len(text) > _LONGEST_SHOWN_VALUE:
        text = text[:_LONGEST_SHOWN_VALUE] + "…"
    return f"is {text!r}"


def _expected(field: FieldInfo) -> str:
    """Describe in words the values a field takes."""
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(get_args(field.annotation))
    if field.annotation is bool:
        return "true or false"
    if field.annotation in {int, float}:
        low = next(rule.ge for rule in field.metadata if isinstance(rule, Ge))
        high = next(rule.le for rule in field.metadata if isinstance(rule, Le))
        kind = "a whole number" if field.annotation is int else "a number"
        return f"{kind} from {low} to {high}"
    if field.annotation is Path:
        return "a path"
    return f"a value such as {shown_default(field).strip('`')}"
