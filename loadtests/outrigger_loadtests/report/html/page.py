"""A page as values, and what makes it HTML: the one place where a template is filled in.

The template escapes whatever is no markup. The page has no script, and says itself that nothing may
be fetched: what it shows is in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from outrigger_loadtests.report.html.plot import Plot, legend, plot_svg
from outrigger_loadtests.report.text import printable


@dataclass(frozen=True)
class Cell:
    """One cell of a table; `role` gives it a colour, `more` is shown when it is pointed at."""

    words: str
    role: str = ""
    more: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a head; the first cell of each row names it, and columns may hold words."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    words: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Example:
    """One thing that was found: in words, as a picture, as text."""

    message: str
    where: str
    picture: Markup = field(default_factory=Markup)
    text: str = ""


@dataclass(frozen=True)
class Found:
    """What was found of one rule."""

    role: str
    rule: str
    told: str
    examples: Sequence[Example]
    left_out: str = ""


@dataclass(frozen=True)
class Link:
    """A link out of the page, or with `file` something to save."""

    words: str
    address: str
    file: str = ""


@dataclass(frozen=True)
class Section:
    """One part of the page: its title, what it is about, and what is in it."""

    name: str
    title: str
    lead: str = ""
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    found: Sequence[Found] = ()
    links: Sequence[Link] = ()
    lines: Sequence[str] = ()
    legend: Markup = field(default_factory=Markup)

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.tables or self.plots or self.found or self.links or self.lines)


@dataclass(frozen=True)
class Page:
    """The whole page; `role` is the colour of its verdict."""

    title: str
    verdict: str
    role: str
    headline: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    notes: Sequence[str] = ()
    links: Sequence[Link] = ()
    repeat: str = ""


def page_html(page: Page) -> bytes:
    """Return the page as a file."""
    template = _environment().get_template("page.html")
    return template.render(page=page).encode()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_fit,
    )
    environment.filters["svg"] = plot_svg
    environment.filters["legend"] = legend
    environment.globals["style"] = Markup(_template("style.css"))  # noqa: S704  our own file
    return environment


def _template(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text(encoding="utf-8")


def _fit(value: object) -> object:
    """Write out what cannot be shown, wherever in the page it stands."""
    return printable(value) if type(value) is str else value
