"""The tables of `docs/invariants.md`: what is promised, what of which server, how fast."""

from dataclasses import fields

from outrigger_loadtests.checkers.catalogue import INVARIANTS
from outrigger_loadtests.profiles import PROFILES, Bounds


def invariants_table() -> str:
    """Return a row for each invariant."""
    rows = [f"| {each.name} | {each.promise} |" for each in INVARIANTS]
    return "\n".join(["| invariant | promise |", "| --- | --- |", *rows])


def profiles_table() -> str:
    """Return a row for each server profile's leniencies, and one for its bounds."""
    lines = []
    for profile in PROFILES:
        lines += [
            f"### {profile.name}",
            f"{profile.description[:1].upper()}{profile.description[1:]}.",
            "",
        ]
        bounds = ", ".join(
            f"{each.name} {getattr(profile.bounds, each.name):g}" for each in fields(Bounds)
        )
        lines.append(f"* bounds in seconds: {bounds}")
        for each in profile.leniencies:
            where = " (nodes that stop promptly only)" if each.prompt_only else ""
            lines.append(f"* WARN, not FAIL: `{each.rule}`: {each.reason}{where}")
        if profile.unpromised:
            lines.append(
                f"* not looked at: {', '.join(f'`{each}`' for each in sorted(profile.unpromised))}"
            )
        lines.append("")
    return "\n".join(lines)
