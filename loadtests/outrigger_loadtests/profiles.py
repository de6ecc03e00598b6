"""What may be expected of which server: bounds of time, and documented leniencies.

A leniency forgives a rule (`B1.left_interrupted`) or a whole invariant (`B1`): a finding of it is
shown as WARN, with the reason, instead of FAIL. `unpromised` rules are not looked at: they are
better than the API that other servers share.
"""

from dataclasses import dataclass, fields

from outrigger_loadtests.errors import UsageError


@dataclass(frozen=True)
class Bounds:
    """How long a server may take, in seconds.

    `cut`: from the answer to the newcomer until its victim has stopped, for a node that stops when
    it is told to and for one that does not. `readers`: from then until the victim's readers are
    told. `start`: until a run that nothing holds back starts. `stream`: from a run's end until
    its streams end.
    """

    prompt_cut: float = 1.0
    cut: float = 3.5
    readers: float = 1.0
    start: float = 5.0
    stream: float = 1.0

    def extended(self, seconds: float) -> "Bounds":
        """Return bounds that are longer by so much."""
        if not seconds:
            return self
        longer = {each.name: getattr(self, each.name) + seconds for each in fields(self)}
        return Bounds(**longer)


@dataclass(frozen=True)
class Leniency:
    """Why a rule's break is only a warning.

    With `prompt_only` it holds for graphs whose nodes stop when they are told to. What is broken on
    the same thread because of it is forgiven too: the invariants in `follows`.
    """

    rule: str
    reason: str
    prompt_only: bool = False
    follows: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ServerProfile:
    """One kind of server."""

    name: str
    description: str
    bounds: Bounds = Bounds()
    leniencies: tuple[Leniency, ...] = ()
    unpromised: frozenset[str] = frozenset()

    def leniency(self, rule: str, *, prompt: bool) -> Leniency | None:
        """Return what forgives a rule on a thread, whose graph stops promptly or does not."""
        names = {rule, rule.partition(".")[0]}
        for each in self.leniencies:
            if each.rule in names and (prompt or not each.prompt_only):
                return each
        return None


_BEYOND_THE_API = frozenset({"G2.wrong_status", "I8.no_reason", "B4.no_reason"})
_EARLY = "it shows a run interrupted while its last finished step is still being written"

OUTRIGGER = ServerProfile("outrigger", "strict: every promise of double-texting")
OFFICIAL = ServerProfile(
    "official",
    "langgraph dev, the official in-memory development server",
    Bounds(prompt_cut=2.0, cut=5.0, readers=2.0, start=10.0, stream=3.0),
    leniencies=(
        Leniency("G8.idle_in_flight", "it shows a thread idle while a run is in flight"),
        Leniency("G8.wrote_after_end", _EARLY, prompt_only=True),
        Leniency("C3.wrote", _EARLY, prompt_only=True),
        Leniency("G2.busy_at_rest", "it leaves a thread busy after a run was rolled back"),
        Leniency("B1.left_interrupted", "it leaves rolled-back runs that waited as interrupted"),
        Leniency(
            "C2.not_gone",
            "it leaves rolled-back runs that waited as interrupted, or runs them once more",
            follows=frozenset({"G1", "G5", "G9", "R1", "X1"}),
        ),
        Leniency("G10.ids_not_increasing", "events of the same millisecond share an id"),
        Leniency(
            "G7.whole_and_cut",
            "a run that is cut as it ends is interrupted, and whole",
            follows=frozenset({"I8", "C1"}),
        ),
        Leniency("G10.duplicate", "events of the same millisecond share an id"),
        Leniency("G10.gap", "events of the same millisecond share an id, so a resume skips some"),
        Leniency(
            "B2",
            "a rolled-back run sometimes leaves something behind",
            prompt_only=True,
            follows=frozenset({"G3", "G4", "G5", "G8", "X1", "C2", "B3", "B6", "E3", "E4", "I5"}),
        ),
    ),
    unpromised=_BEYOND_THE_API,
)
AEGRA = ServerProfile(
    "aegra",
    "Aegra, a self-hosted server of the same API",
    Bounds(prompt_cut=5.0, cut=10.0, readers=5.0, start=15.0, stream=5.0),
    leniencies=tuple(
        Leniency(f"B{number}", "it has no rollback of what a run wrote") for number in range(1, 7)
    ),
    unpromised=_BEYOND_THE_API,
)
GENERIC = ServerProfile(
    "generic",
    "any server of the LangGraph API: what the API itself promises, with patient bounds",
    Bounds(prompt_cut=5.0, cut=10.0, readers=5.0, start=15.0, stream=5.0),
    unpromised=_BEYOND_THE_API,
)
PROFILES = (OUTRIGGER, OFFICIAL, AEGRA, GENERIC)


def profile_named(name: str) -> ServerProfile:
    """Return the profile of that name.

    Raises:
        UsageError: There is none.
    """
    for profile in PROFILES:
        if profile.name == name:
            return profile
    names = ", ".join(profile.name for profile in PROFILES)
    raise UsageError(f"--server-profile: {name!r} is not known; it is one of {names}")
