"""Judges a history thread by thread; only one thread is in memory at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from outrigger_loadtests.checkers.case import Case, Invariant
from outrigger_loadtests.models.thread import Thread
from outrigger_loadtests.profiles import ServerProfile
from outrigger_loadtests.verdict import Examination, Finding, Verdict


def judge(
    thread: Thread, profile: ServerProfile, invariants: Iterable[Invariant]
) -> dict[str, Examination]:
    """Return what each invariant came to on this thread, by name.

    A check that breaks down is itself a result, an unknown one: it never takes the others along.
    """
    results: dict[str, Examination] = {}
    for invariant in invariants:
        case = Case(invariant.name, thread, profile)
        try:
            invariant.check(case)
        except Exception as error:  # noqa: BLE001  one checker must not take the others along
            case.examination.crash = f"{thread.name}: {type(error).__name__}: {error}"
        results[invariant.name] = case.examination
    _forgive_what_follows(results, profile, prompt=thread.prompt)
    return results


def _forgive_what_follows(
    results: Mapping[str, Examination], profile: ServerProfile, *, prompt: bool
) -> None:
    """Let the consequences of what is forgiven on a thread be warnings too."""
    forgiven: dict[str, str] = {}
    for examination in results.values():
        for finding in examination.findings:
            leniency = profile.leniency(finding.rule, prompt=prompt)
            for name in leniency.follows if leniency else ():
                forgiven[name] = f"follows from {finding.invariant}: {finding.reason}"
    for name, reason in forgiven.items():
        if name in results:
            found = results[name].findings
            found[:] = [_forgiven(each, reason) for each in found]


def _forgiven(finding: Finding, reason: str) -> Finding:
    if finding.verdict is not Verdict.FAIL:
        return finding
    return replace(finding, verdict=Verdict.WARN, reason=reason)
