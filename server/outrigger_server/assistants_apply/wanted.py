"""An assistant as a file asks for it."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from outrigger_server.domain.assistant import ASSISTANT_NAMESPACE, mirrored


@dataclass(frozen=True, slots=True)
class WantedAssistant:
    """One entry of a file; metadata is what must be there, whatever else there is."""

    assistant_id: str
    name: str
    graph: str
    description: str | None
    config: dict[str, Any]
    context: dict[str, Any]
    metadata: dict[str, Any]

    def body(self) -> dict[str, Any]:
        """What the server is sent, to make or to change it."""
        settings: dict[str, Any] = {"config": self.config}
        if not self.config.get("configurable"):
            settings["context"] = self.context
        return {
            "graph_id": self.graph,
            "name": self.name,
            "description": self.description,
            "metadata": self.metadata,
            **settings,
        }

    def shown(self) -> dict[str, Any]:
        """What the server shows of it once it is as it should be, field by field."""
        config, context = mirrored(self.config, self.context)
        return {
            "graph": self.graph,
            "name": self.name,
            "description": self.description,
            "config": config,
            "context": context or {},
            "metadata": self.metadata,
        }


def derived_id(name: str, graph: str) -> str:
    """The id of an entry that names none: the same wherever and whenever the file is applied."""
    return str(uuid.uuid5(ASSISTANT_NAMESPACE, json.dumps(["assistant", graph, name])))
