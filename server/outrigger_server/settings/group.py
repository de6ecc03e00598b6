"""What the settings of one concern have in common, and the kinds of value that several have."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _check_host(host: str) -> str:
    if not host or "/" in host or any(letter.isspace() for letter in host):
        msg = "give an address or a host name without scheme, path or spaces, such as 127.0.0.1"
        raise ValueError(msg)
    return host


def _expand_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        msg = "the home directory of that user is not known; write the path out"
        raise ValueError(msg) from error


Host = Annotated[str, AfterValidator(_check_host)]
UserPath = Annotated[Path, AfterValidator(_expand_home)]


class SettingsGroup(BaseModel):
    """Settings of one concern; a part of the server gets its group, never all of them.

    A field's `json_schema_extra` may say `shown_default`, what the table shows in place of the
    default, and `production_least`, below which production does not start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
