"""Draws boards with Grafana's own parts in a browser without a screen.

Needs npm and a Chromium; they are for developers, nothing of it is installed with the package.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outrigger_dashboards.errors import NoPreview
from outrigger_dashboards.linter.documents import Document, spots
from outrigger_dashboards.preview.answers import Answers, Span, answers

WIDTH = 1600
_LINE, _HEADER = 38, 40
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run")
_PAGE = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<style>{style}</style><div id="board"></div>
<script>window.PREVIEW = {data};</script><script>{program}</script>
"""
_BUNDLE = (
    *("--bundle", "--minify", "--format=iife", '--define:process.env.NODE_ENV="production"'),
    *("--loader:.svg=dataurl", "--loader:.woff2=dataurl", "--loader:.ttf=empty"),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture, and the titles of the panels on it that have nothing to show."""

    picture: Path
    empty: tuple[str, ...]


def draw(prometheus: str, boards: Path, project: Path, output: Path, span: Span) -> list[Drawn]:
    """Draw every board of a folder as `<output>/<uid>.png`.

    `project` is the folder with the program for the browser; its packages are installed there.

    Raises:
        NoPreview: A program or Prometheus is missing or fails.
    """
    program, style = _bundled(project)
    output.mkdir(parents=True, exist_ok=True)
    drawn = []
    for path in sorted(boards.glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        found = answers(prometheus, board, span)
        data = {
            "board": board,
            "answers": found,
            "from": span.start,
            "to": span.end,
            "step": span.step,
            "width": WIDTH,
        }
        page = project / "node_modules" / f"{board['uid']}.html"
        page.write_text(_page(board, data, program, style), encoding="utf-8")
        picture = _photographed(page, output / f"{board['uid']}.png", _height(board))
        drawn.append(Drawn(picture, _empty(board, found)))
    return drawn


def _empty(board: Document, found: Answers) -> tuple[str, ...]:
    return tuple(
        str(spot.panel["title"])
        for spot in spots(board)
        if not any(found[str(spot.panel["id"])].values())
    )


def last_minutes(minutes: float, points: int = 60) -> Span:
    """The span up to now."""
    seconds, now = minutes * 60, time.time()
    return Span(now - seconds, now, max(1.0, seconds / points))


def _page(board: Document, data: Mapping[str, Any], program: str, style: str) -> str:
    return _PAGE.format(
        title=board["title"],
        data=json.dumps(data).replace("</", "<\\/"),
        program=program.replace("</script", "<\\/script"),
        style=style,
    )


def _height(board: Document) -> int:
    """How tall a board is when its folded rows are open."""
    opened = 0
    for panel in board["panels"]:
        below = panel["gridPos"]["y"] + 1
        opened += max((_bottom(each) - below for each in panel.get("panels") or []), default=0)
    return _HEADER + (max(map(_bottom, board["panels"])) + opened) * _LINE


def _bottom(panel: Document) -> int:
    return int(panel["gridPos"]["y"] + panel["gridPos"]["h"])


def _bundled(project: Path) -> tuple[str, str]:
    if not (project / "node_modules" / "esbuild").exists():
        words = ("install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
        _run(_program("npm"), *words, folder=project)
    packages = project / "node_modules"
    esbuild = next(packages.glob("@esbuild/*/bin/esbuild"), None)
    if esbuild is None:
        msg = f"{packages} has no esbuild for this machine; remove the folder and try again"
        raise NoPreview(msg)
    target = packages / "board.js"
    _run(str(esbuild), "board.jsx", *_BUNDLE, f"--outfile={target}", folder=project)
    style = target.with_suffix(".css").read_text(encoding="utf-8")
    return target.read_text(encoding="utf-8"), style


def _photographed(page: Path, picture: Path, height: int) -> Path:
    words = (
        *_QUIET,
        f"--window-size={WIDTH},{height}",
        "--virtual-time-budget=5000",
        f"--screenshot={picture.resolve()}",
        page.resolve().as_uri(),
    )
    _run(_program(*_BROWSERS), *words, folder=page.parent)
    if not picture.exists():
        msg = f"the browser made no {picture}"
        raise NoPreview(msg)
    return picture


def _program(*names: str) -> str:
    for name in names:
        found = shutil.which(name)
        if found is not None:
            return found
    msg = f"{' or '.join(names)} is not installed; previews need it"
    raise NoPreview(msg)


def _run(*command: str, folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode != 0:
        msg = f"{Path(command[0]).name} failed: {done.stderr[-2000:]}"
        raise NoPreview(msg)
