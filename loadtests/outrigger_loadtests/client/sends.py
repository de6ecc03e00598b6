"""What a client sends: threads, runs, cancels, deletions."""

import re
from typing import Any

import orjson

from outrigger_loadtests.client import answers
from outrigger_loadtests.client.client import CALL_SECONDS, CONFLICT, NOT_FOUND, Client
from outrigger_loadtests.client.conversation import Message
from outrigger_loadtests.client.streams import SILENCE_SECONDS, read_events, read_result
from outrigger_loadtests.client.transport import Answer, Stream
from outrigger_loadtests.history.operations import (
    Action,
    Cancelled,
    Created,
    Deleted,
    Endpoint,
    Opened,
    Outcome,
)
from outrigger_loadtests.marks import INPUT, mark

_RUN_ID = re.compile(r"/runs/([^/?]+)")


def open_thread(client: Client, label: str, scenario: str, intended: int | None = None) -> bool:
    """Create the thread, which was to be done at the `intended` moment; whether it worked."""
    invoked = client.clock.now()
    answer = client.post("/threads", {}, "open")
    thread_id = answers.id_of(answers.body_of(answer), "thread_id")
    client.conversation.thread_id = thread_id
    told = client.told(answer, invoked, intended)
    if answers.outcome_of(answer) is Outcome.OK and not thread_id:
        told |= {"outcome": Outcome.INFO, "error": "the answer names no thread"}
    probe = client.conversation.probe
    client.record(Opened(**told, thread_id=thread_id, label=label, probe=probe, scenario=scenario))
    return bool(thread_id)


def send(client: Client, message: Message, intended: int | None = None) -> str:
    """Create a run and, for the endpoints that answer with it, read it to its end.

    It was to be sent at the `intended` moment, if that is not now. Returns its run id, empty unless
    the server said that it exists.
    """
    invoked = client.clock.now()
    if message.endpoint is Endpoint.BACKGROUND:
        answer = client.post(
            f"{client.thread}/runs",
            _body(client.conversation.probe, message),
            f"create {message.strategy}",
            CONFLICT,
        )
        return _created(client, message, answer, invoked, intended)
    stream = client.transport.stream(
        "POST",
        f"{client.thread}/runs/{message.endpoint}",
        orjson.dumps(_body(client.conversation.probe, message)),
        name=f"{message.endpoint} {message.strategy}",
        timeout=SILENCE_SECONDS,
        headers=None,
        expected=CONFLICT,
    )
    try:
        run_id = _created(client, message, stream.head, invoked, intended)
        if stream.head.status // 100 == 2:  # noqa: PLR2004  the class of statuses
            _read_on(client, message, run_id, stream, invoked)
    finally:
        stream.close()
    return run_id


def _read_on(client: Client, message: Message, run_id: str, stream: Stream, invoked: int) -> None:
    if message.endpoint is Endpoint.STREAM:
        own = frozenset({message.token, message.answers})
        read_events(client, stream, run_id, message.token, own, invoked=invoked)
    else:
        read_result(client, stream, run_id, message.token, Endpoint.WAIT, invoked)


def _created(
    client: Client, message: Message, answer: Answer, invoked: int, intended: int | None
) -> str:
    body = answers.body_of(answer)
    run_id = answers.id_of(body, "run_id")
    if not run_id and (found := _RUN_ID.search(answer.headers.get("content-location", ""))):
        run_id = answers.id_of(found[1])
    told = client.told(answer, invoked, intended)
    if answers.outcome_of(answer) is Outcome.OK and not run_id:
        told |= {"outcome": Outcome.INFO, "error": "the answer names no run"}
    accepted = told["outcome"] is Outcome.OK
    if accepted:
        client.conversation.runs[message.token] = run_id
    elif told["outcome"] is Outcome.FAIL:
        client.conversation.refused.add(message.token)
    client.conversation.answered.add(message.token)
    client.record(
        Created(
            **told,
            token=message.token,
            strategy=message.strategy,
            endpoint=message.endpoint,
            run_id=run_id if accepted else "",
            created_at=answers.moment_of(body, "created_at"),
            seconds=message.seconds,
            asks=message.asks,
            linger=message.linger,
            answers=message.answers,
            after_seconds=message.after_seconds,
            together=message.together,
        )
    )
    return run_id if accepted else ""


def cancel(client: Client, run_id: str, action: Action, *, wait: bool) -> None:
    """Ask for the run's end."""
    invoked = client.clock.now()
    path = f"{client.thread}/runs/{run_id}/cancel?action={action}&wait={int(wait)}"
    answer = client.post(path, None, f"cancel {action}", NOT_FOUND)
    told = client.told(answer, invoked)
    client.record(Cancelled(**told, run_id=run_id, action=action, wait=wait))


def delete(client: Client, run_id: str) -> None:
    """Ask for the run's removal."""
    invoked = client.clock.now()
    answer = client.transport.request(
        "DELETE", f"{client.thread}/runs/{run_id}", name="delete", timeout=CALL_SECONDS
    )
    client.record(Deleted(**client.told(answer, invoked), run_id=run_id))


def _body(probe: str, message: Message) -> dict[str, Any]:
    body: dict[str, Any] = {
        "assistant_id": probe,
        "multitask_strategy": message.strategy,
        "stream_mode": ["values", "updates"],
        "stream_resumable": True,
    }
    if message.answers:
        body["command"] = {"resume": message.token}
    else:
        body["input"] = {
            "log": [mark(message.token, INPUT)],
            "token": message.token,
            "seconds": message.seconds,
            "ask": message.asks,
            "linger": message.linger,
        }
    if message.after_seconds:
        body["after_seconds"] = message.after_seconds
    return body
