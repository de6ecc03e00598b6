"""Reads a file of variables, NAME=value a line, and finds every fault in it at once."""

from pathlib import Path

from dotenv.parser import parse_stream

from outrigger_server.errors import ConfigurationError


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of the file; of a name that is there twice the last counts.

    Raises:
        ConfigurationError: One line for each line that is none; what it says is not shown.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigurationError([f"{path}: cannot be read: {reason}"]) from error
    faults = [
        f"{path}: line {each.original.line} is not of the form NAME=value"
        for each in bindings
        if each.error or (each.key is not None and each.value is None)
    ]
    if faults:
        raise ConfigurationError(faults)
    return {each.key: each.value for each in bindings if each.key and each.value is not None}
