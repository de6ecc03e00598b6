"""Writes generated files, or finds out how what is there differs from them."""

from collections.abc import Mapping
from pathlib import Path

from outrigger_dashboards.errors import Drift


def write(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write what has changed, take away what nobody makes any more; return both."""
    changed = []
    for name, text in files.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    for path in orphans(folder, files):
        path.unlink()
        changed.append(path)
    return changed


def compare(folder: Path, files: Mapping[str, str]) -> None:
    """Return when the folder holds exactly these files.

    Raises:
        Drift: It does not; every file that differs is named.
    """
    faults = []
    for name, text in files.items():
        path = folder / name
        if not path.exists():
            faults.append(f"{path}: is missing; run: make dashboards")
        elif path.read_text(encoding="utf-8") != text:
            faults.append(f"{path}: is out of date; run: make dashboards")
    faults += [f"{path}: nothing makes it" for path in orphans(folder, files)]
    if faults:
        raise Drift(faults)


def orphans(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Find files below the folder that are not among these."""
    known = {folder / name for name in files}
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path not in known]
