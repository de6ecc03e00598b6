"""One attempt at a run: what it holds while it lives, and what it may be told meanwhile."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from langgraph.runtime import RunControl

from outrigger_server.domain.run import CancelAction, Run
from outrigger_server.graphs.source import GraphSource


class Order(StrEnum):
    """What an attempt may be told to do before its graph has ended, weakest first."""

    HAND_BACK = "hand_back"
    TIME_OUT = "time_out"
    INTERRUPT = "interrupt"
    ROLLBACK = "rollback"
    LET_GO = "let_go"
    """The run is no longer this attempt's: another took it, or its row is gone."""


_RANK = {order: rank for rank, order in enumerate(Order)}


@dataclass(eq=False)
class Attempt:
    """A claimed run on its way.

    Belongs to the server's loop but for `control`, `live`, `shown` and `emitted`.
    """

    run: Run
    source: GraphSource | None
    """None when this server no longer has the run's graph."""
    fresh: bool = False
    """The thread had no history when the attempt began."""
    resume: bool = False
    """An earlier attempt left something to go on from, in place of the input."""
    at_head: bool = False
    """It left a checkpoint: the place the run was asked to start from is behind it."""
    control: RunControl = field(default_factory=RunControl)
    live: bool = True
    """False once the attempt was cut: then nothing it emits leaves it."""
    shown: bytes | None = None
    """The values its stream showed last."""
    emitted: int = 0
    """Events of its graph, whether or not anybody read them."""
    order: Order | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """Unique among the attempts of this process."""
        return f"{self.run.run_id}/{self.run.attempt}"

    def tell(self, order: Order) -> None:
        """Give the attempt an order; a stronger one replaces a weaker one."""
        if self.order is None or _RANK[order] > _RANK[self.order]:
            self.order = order
        self.told.set()

    def tell_cancel(self, action: CancelAction) -> None:
        """Give the order that carries out a cancel request."""
        self.tell(Order.ROLLBACK if action is CancelAction.ROLLBACK else Order.INTERRUPT)
