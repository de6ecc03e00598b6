"""Reads the documents for operators: their commands, what they name, their tables."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.processes import ROOT

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
PROGRAMS = frozenset(
    {"outrigger", "outrigger-loadtest", "kubectl", "docker", "kind"}
    | {"curl", "psql", "redis-cli", "python3", "rm", "cp"}
    | {"pg_dump", "pg_restore", "pg_basebackup", "createdb"}
)


@dataclass(frozen=True)
class Document:
    """A document, and what it says outside and inside its blocks."""

    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def prose(self) -> str:
        return FENCE.sub("", self.text)

    def blocks(self, language: str) -> list[str]:
        """The blocks of a language, such as `sh`."""
        return [body for given, body in FENCE.findall(self.text) if given == language]

    def spans(self) -> list[str]:
        """What stands between backticks; a bar in a table is written with a backslash."""
        return [each.replace(r"\|", "|") for each in SPAN.findall(self.prose)]

    def commands(self) -> list[str]:
        """Every command, in blocks and between backticks."""
        lines = [line for block in self.blocks("sh") for line in lines_of(block)]
        spans = [each for each in self.spans() if " " in each and program_of(each) in PROGRAMS]
        return [*lines, *spans]

    def rows(self) -> Iterator[list[str]]:
        """The cells of every row of its tables, without their heads."""
        for line in self.prose.splitlines():
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if cells and set(cells[0]) != {"-"}:
                yield cells


def document(name: str) -> Document:
    """One of docs/."""
    return Document(DOCS / f"{name}.md")


def block_after(text: Document, heading: str, comment: str) -> str:
    """The block of a section that begins with this comment."""
    section = text.text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    bodies = [body for _, body in FENCE.findall(section)]
    (found,) = (body for body in bodies if body.startswith(f"# {comment}\n"))
    return str(found)


def lines_of(block: str) -> list[str]:
    """The commands of a block, each on one line and without comments."""
    joined = block.replace("\\\n", " ").splitlines()
    lines = [line.partition("  #")[0].strip() for line in joined]
    return [line for line in lines if line and not line.startswith("#")]


def program_of(command: str) -> str:
    """The program a command starts, behind the variables that it is given."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return next((word for word in words if not re.match(r"[A-Z_]+=", word)), "")
