"""A file whose content counts as it is now, and as it was while what is there now is broken."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from outrigger_server.errors import ConfigurationError
from outrigger_telemetry.logging import get_logger

Parsed = TypeVar("Parsed")
_Signature = tuple[int, int, int] | None

log = get_logger("outrigger.auth")


class WatchedFile(Generic[Parsed]):
    """Reads a small file again whenever it has changed; looking costs one `stat`.

    `parse` raises ValueError, with a text that holds nothing secret. `broken` is called once
    for each bad change.

    Raises:
        ConfigurationError: The file cannot be read now, or is bad; `setting` names it.
    """

    def __init__(
        self,
        setting: str,
        path: Path,
        parse: Callable[[str], Parsed],
        broken: Callable[[], None],
    ) -> None:
        self._setting = setting
        self._path = path
        self._parse = parse
        self._broken = broken
        self._seen = self._signature()
        try:
            self._content = self._read()
        except ValueError as error:
            raise ConfigurationError([f"{setting}: {path}: {error}"]) from error

    def content(self) -> Parsed:
        """What the file says, or what it said when it was last good."""
        signature = self._signature()
        if signature != self._seen:
            self._seen = signature
            try:
                self._content = self._read()
            except ValueError as error:
                self._broken()
                log.error(  # noqa: TRY400  the reason says all
                    "file_not_reloaded", setting=self._setting, reason=str(error)
                )
            else:
                log.info("file_reloaded", setting=self._setting)
        return self._content

    def _signature(self) -> _Signature:
        try:
            found = os.stat(self._path)  # noqa: PTH116  Path.stat costs twice as much, and it is asked for every request
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> Parsed:
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError as error:
            raise ValueError(error.strerror or "cannot be read") from error
        except UnicodeDecodeError as error:
            msg = "it is not UTF-8 text"
            raise ValueError(msg) from error
        return self._parse(text)
