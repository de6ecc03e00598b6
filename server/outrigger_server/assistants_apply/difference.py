"""What a server's assistant and the wanted one differ in, readable line by line."""

import difflib
import json
from collections.abc import Mapping
from typing import Any

from outrigger_server.assistants_apply.wanted import WantedAssistant


def differences(present: Mapping[str, Any] | None, wanted: WantedAssistant) -> dict[str, str]:
    """Each field that differs, with a unified difference of its lines.

    Metadata that only the server has is no difference: a change merges it.
    """
    after = wanted.shown()
    before: dict[str, Any] = dict.fromkeys(after)
    if present is not None:
        before = {name: present.get(_PROTOCOL.get(name, name)) for name in after}
        held = before["metadata"] or {}
        before["metadata"] = {key: held[key] for key in wanted.metadata if key in held}
    return {
        name: _unified(name, before[name], value)
        for name, value in after.items()
        if (before[name] or None) != (value or None)
    }


_PROTOCOL = {"graph": "graph_id"}


def _unified(name: str, before: Any, after: Any) -> str:
    lines = difflib.unified_diff(
        _lines(before), _lines(after), f"server: {name}", f"file: {name}", n=2, lineterm=""
    )
    return "\n".join(line for line in lines if not line.startswith("@@"))


def _lines(value: Any) -> list[str]:
    if value is None or value == {}:
        return []
    if isinstance(value, str):
        return value.splitlines()
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).splitlines()
