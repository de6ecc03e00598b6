"""What a client reads as it comes: the events of a run, and what it came to in the end."""

from typing_extensions import override

from outrigger_loadtests.client import answers
from outrigger_loadtests.client.client import NOT_FOUND, Client
from outrigger_loadtests.client.clock import Clock
from outrigger_loadtests.client.conversation import Conversation
from outrigger_loadtests.client.sse import events
from outrigger_loadtests.client.transport import Answer, Stream, StreamBroken, StreamSilent
from outrigger_loadtests.history.operations import (
    TIMED_OUT,
    Ending,
    Endpoint,
    Frame,
    Joined,
    Outcome,
    Streamed,
)

METADATA = "metadata"  # servers send it before the run has begun, too
SILENCE_SECONDS = 12.0  # more than two heartbeats of a stream


def read_stream(
    client: Client,
    run_id: str,
    token: str,
    answered: str = "",
    after_id: str = "",
    stop_after: int = 0,
) -> str:
    """Read a run's events from the start, or after the event `after_id`, to their end.

    With `stop_after` the client goes away after so many events. Returns the last event's id.
    """
    invoked = client.clock.now()
    stream = client.transport.stream(
        "GET",
        f"{client.thread}/runs/{run_id}/stream",
        name="read stream",
        timeout=SILENCE_SECONDS,
        headers={"Last-Event-ID": after_id or "-1"},
        expected=NOT_FOUND,
    )
    own = frozenset({token, answered})
    try:
        return read_events(
            client,
            stream,
            run_id,
            token,
            own,
            invoked=invoked,
            after_id=after_id,
            stop_after=stop_after,
            endpoint=Endpoint.JOIN,
        )
    finally:
        stream.close()


def read_events(  # noqa: PLR0913  what a reader is told of a stream
    client: Client,
    stream: Stream,
    run_id: str,
    token: str,
    own: frozenset[str],
    *,
    invoked: int,
    after_id: str = "",
    stop_after: int = 0,
    endpoint: Endpoint = Endpoint.STREAM,
) -> str:
    """Read events that have begun to come, to their end; see `read_stream`.

    Of `values` only the marks of `own` tokens are kept.
    """
    frames: list[Frame] = []
    ending = Ending.CLOSED
    told = client.told(stream.head, invoked)
    if told["outcome"] is Outcome.OK:
        try:
            for event in events(_Patient(stream, client.clock, client.conversation)):
                now = client.clock.now()
                frames.append(answers.frame_of(event, now, client.conversation.name, own))
                if event.name != METADATA:
                    client.conversation.heard.add(token)
                if stop_after and len(frames) >= stop_after:
                    ending = Ending.LEFT
                    break
        except StreamBroken as error:
            ending, told["error"] = Ending.BROKEN, str(error)
        except StreamSilent as error:
            ending, told["error"] = Ending.SILENT, str(error)
    told["completed"] = client.clock.now()
    client.record(
        Streamed(
            **told,
            run_id=run_id,
            token=token,
            endpoint=endpoint,
            from_start=not after_id,
            after_id=after_id,
            frames=tuple(frames),
            ending=ending,
        )
    )
    return next((each.id for each in reversed(frames) if each.id), "")


def join(client: Client, run_id: str, token: str) -> None:
    """Wait for a run and read what it came to."""
    invoked = client.clock.now()
    stream = client.transport.stream(
        "GET",
        f"{client.thread}/runs/{run_id}/join",
        name="join",
        timeout=SILENCE_SECONDS,
        headers=None,
        expected=NOT_FOUND,
    )
    try:
        read_result(client, stream, run_id, token, Endpoint.JOIN, invoked)
    finally:
        stream.close()


def read_result(
    client: Client, stream: Stream, run_id: str, token: str, endpoint: Endpoint, invoked: int
) -> None:
    """Read what a run came to, for a request whose answer has begun to come."""
    told = client.told(stream.head, invoked)
    pieces = []
    if told["outcome"] is Outcome.OK:
        patient = _Patient(stream, client.clock, client.conversation)
        try:
            while piece := patient.read_line():
                pieces.append(piece)
        except StreamBroken as error:
            told |= {"outcome": Outcome.INFO, "error": str(error)}
        except StreamSilent:
            told |= {"outcome": Outcome.INFO, "error": TIMED_OUT}
    told["completed"] = client.clock.now()
    body = answers.body_of(Answer(200, body=b"".join(pieces)))
    failure = answers.text(body, "__error__", "error")
    client.record(
        Joined(
            **told,
            run_id=run_id,
            token=token,
            endpoint=endpoint,
            log=answers.log_of(body) if isinstance(body, dict) and "log" in body else None,
            failure=failure,
            status=stream.head.headers.get("x-run-status", ""),
        )
    )


class _Patient(Stream):
    """A stream that is read until the conversation gives up on its readers."""

    def __init__(self, stream: Stream, clock: Clock, conversation: Conversation) -> None:
        self.head = stream.head
        self._stream = stream
        self._clock = clock
        self._conversation = conversation

    @override
    def read_line(self) -> bytes:
        line = self._stream.read_line()
        give_up_at = self._conversation.give_up_at
        if line and give_up_at is not None and self._clock.now() > give_up_at:
            raise StreamSilent("it went on after everything was quiet")
        return line

    @override
    def close(self) -> None:
        self._stream.close()
