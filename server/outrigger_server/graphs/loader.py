"""Imports one user's graph and finds out what kind of thing it is.

The user's modules live beside ours in one process: a file is imported under a name nobody else
uses, and nothing of ours is ever replaced. What the user's code raises is told with the user's
file and line, without our stack.
"""

import hashlib
import importlib
import inspect
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from langgraph.graph import StateGraph
from langgraph.pregel import Pregel
from langgraph.pregel.protocol import PregelProtocol

import outrigger_server
from outrigger_server.errors import ConfigurationError
from outrigger_server.graphs.graph_spec import GraphSpec
from outrigger_server.graphs.source import Factory, Graph, GraphSource
from outrigger_telemetry.redaction import redact_text

_PRIVATE_PREFIX = "outrigger_graph_"
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_LONGEST_TEXT = 500


def load_graph(name: str, spec: GraphSpec) -> GraphSource:
    """Import the graph and check that it is something that can be served.

    Raises:
        ConfigurationError: One line: the import failed, or found no graph.
    """
    found = load_object(f"graph {name!r}", spec, _candidates)
    try:
        if isinstance(found, StateGraph):
            found = found.compile()
    except Exception as error:  # compiling looks into the user's code
        raise _fault(name, f"compiling {spec.text} raised {told(error, spec)}") from error
    return GraphSource(name, _origin(name, spec, found), spec.description)


def load_object(
    label: str, spec: GraphSpec, candidates: Callable[[ModuleType], str] | None = None
) -> Any:
    """Import something of the user's; `label` begins the line that says what went wrong.

    Raises:
        ConfigurationError: One line: the import failed, or found nothing of that name.
    """
    place = spec.text.rpartition(":")[0]
    try:
        module = _import(spec)
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        text = f"{label}: importing {place} raised {told(error, spec)}"
        raise ConfigurationError([text]) from error
    try:
        return getattr(module, spec.attribute)
    except AttributeError:
        has = f"; {candidates(module)}" if candidates is not None else ""
        text = f"{label}: {place} has no {spec.attribute!r}{has}"
        raise ConfigurationError([text]) from None


def _fault(name: str, text: str) -> ConfigurationError:
    return ConfigurationError([f"graph {name!r}: {text}"])


def _origin(name: str, spec: GraphSpec, found: Any) -> Graph | Factory:
    if isinstance(found, Pregel):
        return found
    if isinstance(found, PregelProtocol):
        text = f"a {type(found).__name__} keeps its threads elsewhere; call it from a node instead"
        raise _fault(name, f"{spec.text}: {text}")
    if not callable(found) or isinstance(found, type):
        what = f"the class {found.__name__}" if isinstance(found, type) else type(found).__name__
        text = f"is {what}, not a graph, a StateGraph or a function that makes one"
        raise _fault(name, f"{spec.text} {text}")
    return Factory(spec.attribute, found, takes_config=_takes_config(name, spec, found))


def _takes_config(name: str, spec: GraphSpec, function: Any) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False  # something built in that does not say; call it without
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    needed = [p for p in parameters if p.default is p.empty and p.kind not in _VARIADIC]
    if any("ServerRuntime" in str(p.annotation) for p in parameters):
        text = "takes a ServerRuntime, which this version cannot give; take a RunnableConfig"
        raise _fault(name, f"{spec.text} {text}")
    if [p.name for p in needed] not in ([], [p.name for p in positional[:1]]):
        names = ", ".join(p.name for p in needed)
        text = f"needs the arguments {names}; a factory takes none or one, the RunnableConfig"
        raise _fault(name, f"{spec.text} {text}")
    return bool(positional)


def _candidates(module: ModuleType) -> str:
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    names = [name for name, value in public.items() if isinstance(value, Pregel | StateGraph)]
    names += [
        name
        for name, value in public.items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    ]
    return "it has " + ", ".join(names) if names else "it has no graph and no function either"


def _import(spec: GraphSpec) -> ModuleType:
    if isinstance(spec.place, str):
        return importlib.import_module(spec.place)
    dotted = _importable_name(spec.place)
    if dotted is not None:
        return importlib.import_module(dotted)
    return _import_file(spec.place, _private_name(spec.place, spec.directory))


def _importable_name(file: Path) -> str | None:
    """Name a file that is part of a package Python finds by itself, else None.

    Such a file must be imported as that: its package would otherwise import it a second time, and
    its relative imports would fail.
    """
    parts = [] if file.stem == "__init__" else [file.stem]
    directory = file.parent
    while (directory / "__init__.py").is_file():
        parts.insert(0, directory.name)
        directory = directory.parent
    if file.parent == directory or not all(part.isidentifier() for part in parts):
        return None
    found = _find(parts[0])
    if found is None or found.origin is None:
        return None
    package = directory / parts[0] / "__init__.py"
    return ".".join(parts) if Path(found.origin).resolve() == package.resolve() else None


def _find(top_level: str) -> ModuleSpec | None:
    try:
        return find_spec(top_level)
    except ValueError:  # already imported, by something that left no spec
        return None


def _private_name(file: Path, directory: Path) -> str:
    """Name a file's module so that nothing else has the name, and the next start gives it again.

    Checkpoints hold the module names of the state's classes. So the name comes from the path
    seen from the manifest, which stays when a deployment moves to another directory.
    """
    relative = Path(os.path.relpath(file, directory)).as_posix()
    name = _named(file, relative)
    taken = sys.modules.get(name)
    if taken is not None and taken.__file__ != str(file):
        return _named(file, str(file))
    return name


def _named(file: Path, text: str) -> str:
    stem = "".join(letter if letter.isalnum() else "_" for letter in file.stem)
    return f"{_PRIVATE_PREFIX}{stem}_{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _import_file(file: Path, module_name: str) -> ModuleType:
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        msg = f"{file.name} is not a Python file"
        raise ImportError(msg)
    module = module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def told(error: BaseException, spec: GraphSpec) -> str:
    """Tell an error in one line: kind, text without secrets, and the user's file and line."""
    said = str(error.msg if isinstance(error, SyntaxError) else error)
    text = " ".join(redact_text(said).split())
    if len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT] + "…"
    where = _where(error)
    told = f"{type(error).__name__}: {text}" if text else type(error).__name__
    if where is not None:
        told += f" ({_shown(Path(where[0]), spec.directory)}, line {where[1]})"
    if isinstance(error, ModuleNotFoundError):
        told += '; install it, or name its directory in "dependencies"'
    return told


def _where(error: BaseException) -> tuple[str, int] | None:
    """Find the innermost line of the user's own code: not ours, not a library's."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return error.filename, error.lineno
    libraries = ("stdlib", "platstdlib", "purelib", "platlib")
    foreign = {Path(sysconfig.get_path(name)) for name in libraries}
    foreign |= {Path(path) for path in outrigger_server.__path__}
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        file = frame.f_code.co_filename
        if not file.startswith("<") and not foreign.intersection(Path(file).parents):
            return file, line
    return None


def _shown(file: Path, directory: Path) -> str:
    return str(file.relative_to(directory) if file.is_relative_to(directory) else file)
