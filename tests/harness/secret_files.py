"""Settings that are secret, and the files that a deployment keeps them in."""

from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from pydantic import BaseModel, SecretStr

from outrigger_server.settings import Settings as ServerSettings
from outrigger_server.settings import environment_names
from outrigger_sidecar import settings as sidecar

SUFFIX = "_FILE"


def secret_names() -> frozenset[str]:
    """The variables of all secret settings of the server and of the sidecar."""
    groups = [field.annotation for field in ServerSettings.model_fields.values()]
    ours = {
        variable
        for group in groups
        if isinstance(group, type) and issubclass(group, BaseModel)
        for name in _secrets(group)
        for variable in environment_names(name)
    }
    theirs = {
        variable
        for name in _secrets(sidecar.Settings)
        for variable in sidecar.environment_names(name)
    }
    return frozenset(ours | theirs)


def secret_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The secret settings that an environment gives as files: the setting, and its file."""
    return {
        name.removesuffix(SUFFIX): path
        for name, path in environment.items()
        if name.removesuffix(SUFFIX) in secret_names() and name.endswith(SUFFIX)
    }


def opened(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment with what its files hold in place of their names."""
    files = secret_files(environment)
    kept = {k: v for k, v in environment.items() if k.removesuffix(SUFFIX) not in files}
    return kept | {name: Path(path).read_text().strip() for name, path in files.items()}


def _secrets(group: type[BaseModel]) -> list[str]:
    return [
        name
        for name, field in group.model_fields.items()
        if SecretStr in {field.annotation, *get_args(field.annotation)}
    ]
