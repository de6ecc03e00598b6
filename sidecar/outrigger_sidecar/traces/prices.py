"""What models cost: the table that comes with the sidecar, and over it a file of the user's."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from outrigger_sidecar.errors import ConfigurationError
from outrigger_sidecar.traces.usage import Usage

SETTING = "OUTRIGGER_SIDECAR_PRICES_FILE"
MILLION = 1_000_000
_KEYS = frozenset({"input", "output", "cache_read", "cache_write"})
# The date or number of a version: gpt-4o-2024-08-06, gemini-2.0-flash-001, claude-3-5-haiku-latest.
_VERSION = re.compile(r"[-@](?:20\d{2}-?\d{2}-?\d{2}|latest|\d{3}|v\d+(?::\d+)?)$")


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million tokens; what the cache reads or keeps costs like input unless said."""

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None

    def of(self, usage: Usage) -> float:
        """What these tokens cost, in USD."""
        plain = max(0, usage.input - usage.cache_read - usage.cache_write)
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        return (
            plain * self.input
            + usage.cache_read * read
            + usage.cache_write * write
            + usage.output * self.output
        ) / MILLION


@dataclass(frozen=True, slots=True)
class Prices:
    """The price of each known model of each provider, and one for all others."""

    known: Mapping[tuple[str, str], Price]
    fallback: Price

    def cost(self, usage: Usage, *, provider: str, model: str) -> tuple[float, bool]:
        """What these tokens cost in USD, and whether that is known, not a guess."""
        if usage.cost is not None:
            return usage.cost, True
        price = self.known.get((provider, model))
        if price is None:
            price = self.known.get((provider, _VERSION.sub("", model)))
        return (price or self.fallback).of(usage), price is not None


def load_prices(file: Path | None) -> Prices:
    """Read the table that comes with the sidecar, and let the entries of `file` replace its own.

    Raises:
        ConfigurationError: The file cannot be read, or an entry of it makes no sense.
    """
    shipped = files("outrigger_sidecar.traces").joinpath("prices.toml").read_bytes()
    known, fallback = _read(tomllib.loads(shipped.decode()))
    if file is not None:
        try:
            more, other = _read(tomllib.loads(file.read_text(encoding="utf-8")))
        except OSError as error:
            raise _fault(file, (error.strerror or "cannot be read").lower()) from error
        except ValueError as error:
            raise _fault(file, str(error)) from error
        known, fallback = {**known, **more}, other or fallback
    return Prices(known, fallback or Price(0, 0))


def _read(content: Mapping[str, Any]) -> tuple[dict[tuple[str, str], Price], Price | None]:
    if unknown := content.keys() - {"price", "fallback"}:
        msg = f"{min(unknown)!r} is neither [[price]] nor [fallback]"
        raise ValueError(msg)
    known: dict[tuple[str, str], Price] = {}
    entries = content.get("price", [])
    if not isinstance(entries, list):
        msg = "write each price as [[price]]"
        raise ValueError(msg)  # noqa: TRY004  a fault of the file, not of the program
    for number, entry in enumerate(entries, 1):
        price = _price(entry, f"price {number}", named=True)
        for provider in _names(entry, "providers", number):
            for model in _names(entry, "models", number):
                known[provider, model] = price
    given = content.get("fallback")
    return known, None if given is None else _price(given, "fallback", named=False)


def _names(entry: Mapping[str, Any], key: str, number: int) -> list[str]:
    names = entry.get(key)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        msg = f"price {number}: {key} must be a list of names"
        raise ValueError(msg)
    return names


def _price(entry: object, where: str, *, named: bool) -> Price:
    if not isinstance(entry, Mapping):
        msg = f"{where}: give a table"
        raise ValueError(msg)  # noqa: TRY004  a fault of the file, not of the program
    allowed = _KEYS | ({"providers", "models"} if named else set())
    if unknown := entry.keys() - allowed:
        msg = f"{where}: no such key: {min(unknown)}"
        raise ValueError(msg)
    if missing := {"input", "output"} - entry.keys():
        msg = f"{where}: {min(missing)} is missing"
        raise ValueError(msg)
    numbers = {key: entry[key] for key in _KEYS & entry.keys()}
    for key, value in numbers.items():
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not 0 <= value < MILLION
        ):
            msg = f"{where}: {key} must be USD for a million tokens"
            raise ValueError(msg)
    return Price(**numbers)


def _fault(file: Path, reason: str) -> ConfigurationError:
    return ConfigurationError([f"{SETTING}: {file}: {reason}"])
