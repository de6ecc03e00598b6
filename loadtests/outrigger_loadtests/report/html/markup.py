"""Elements of HTML and SVG as strings: what is not markup already is escaped, always."""

from markupsafe import Markup, escape

from outrigger_loadtests.report.text import printable

_Value = str | int | float | None


def element(name: str, *children: str, **attributes: _Value) -> Markup:
    """Return an element; `class_` is its class, and `stroke_width` is `stroke-width`.

    Children that are no markup are text. An attribute that is None is left out.
    """
    given = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _shown(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(_fit(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), given, inside)  # noqa: S704  our own


def fragment(*parts: str) -> Markup:
    """Return the parts one after the other; what is no markup is text."""
    return Markup("").join(_fit(part) for part in parts)


def text(x: float, y: float, words: str, class_: str = "", anchor: str = "start") -> Markup:
    """Return words in a drawing."""
    return element("text", words, x=x, y=y, class_=class_ or None, text_anchor=anchor)


def _fit(child: str) -> Markup:
    return child if isinstance(child, Markup) else escape(printable(child))


def _shown(value: _Value) -> Markup:
    if isinstance(value, float):
        return Markup(f"{value:.2f}".rstrip("0").rstrip("."))  # noqa: S704  a number
    return escape(printable(str(value)))
