"""Statements that every run needs, on a shorter way to the database than SQLAlchemy's."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Select, Update

from outrigger_server.stores.dialect import Rows, driver_of

Row = dict[str, Any]
_Convert = Callable[[Any], Any] | None


class ReadyStatement:
    """A statement in SQLAlchemy Core, compiled once for each database and run by its driver.

    What SQLAlchemy does for each execution costs more than the execution of most statements.
    Values are converted as it converts them. An insert is given every column that it fills,
    the same in each call; the defaults of its table are not for it.
    """

    def __init__(self, core: Select[Any] | Insert | Update) -> None:
        self.core = core
        self._compiled: dict[str, _Compiled] = {}

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> None:
        """Execute it; its rows, if it has any, are not wanted."""
        self._execute(connection, parameters)

    def first(self, connection: Connection, parameters: Mapping[str, Any]) -> Row | None:
        """Execute it and return its first row, by the names of its columns."""
        compiled, rows = self._execute(connection, parameters)
        found = rows.fetchall()
        return compiled.row(found[0]) if found else None

    def all(self, connection: Connection, parameters: Mapping[str, Any]) -> list[Row]:
        """Execute it and return its rows, by the names of their columns."""
        compiled, rows = self._execute(connection, parameters)
        return [compiled.row(row) for row in rows.fetchall()]

    def _execute(
        self, connection: Connection, parameters: Mapping[str, Any]
    ) -> tuple["_Compiled", Rows]:
        name = connection.dialect.name
        if name not in self._compiled:
            self._compiled[name] = _Compiled(self.core, connection.dialect, parameters)
        compiled = self._compiled[name]
        return compiled, driver_of(connection).execute(compiled.text, compiled.given(parameters))


class _Compiled:
    """A statement's text in the words of one database, and what its values are converted by."""

    def __init__(
        self, core: Select[Any] | Insert | Update, dialect: Dialect, parameters: Mapping[str, Any]
    ) -> None:
        columns = list(parameters) if isinstance(core, Insert) else None
        compiled: Any = core.compile(dialect=dialect, column_keys=columns)
        self.text: str = compiled.string
        self._order: list[str] | None = compiled.positiontup
        self._fixed: Row = {
            name: bound.value for bound, name in compiled.bind_names.items() if not bound.required
        }
        self._binds: dict[str, Callable[[Any], Any]] = {}
        for bound, name in compiled.bind_names.items():
            convert = bound.type.dialect_impl(dialect).bind_processor(dialect)
            if convert is not None:
                self._binds[name] = convert
        self._columns: list[tuple[str, _Convert]] = [
            (column.name, column.type.dialect_impl(dialect).result_processor(dialect, None))
            for column in core.exported_columns
        ]

    def given(self, parameters: Mapping[str, Any]) -> Any:
        """The parameters as the driver takes them."""
        values = {**self._fixed, **parameters}
        for name, convert in self._binds.items():
            values[name] = convert(values[name])
        return values if self._order is None else [values[name] for name in self._order]

    def row(self, values: tuple[Any, ...]) -> Row:
        """A row of the driver's with its values converted."""
        return {
            name: value if convert is None else convert(value)
            for (name, convert), value in zip(self._columns, values, strict=True)
        }
