"""Sends what it is told over LocustTransport; run beside the tests, since Locust patches a process.

Reads one order per line of JSON from stdin and writes what came of it as a line of JSON.
"""

import json
import sys

from locust.env import Environment

from outrigger_loadtests.client.gevent_clock import GeventClock
from outrigger_loadtests.client.locust_transport import LocustTransport
from outrigger_loadtests.client.sse import events
from outrigger_loadtests.client.transport import StreamBroken, StreamSilent


def shown(answer):
    return {
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": answer.body.decode("latin-1"),
        "error": answer.error,
        "reached": answer.reached,
    }


def wire(call):
    """The arguments that a request and a stream have in common."""
    body = call.get("body")
    return (call.get("method", "POST"), call.get("path", "/"), body and body.encode()), {
        "name": call.get("name", "call"),
        "timeout": call.get("timeout", 20.0),
        "expected": frozenset(call.get("expected", ())),
    }


def request(transport, call):
    what, how = wire(call)
    return shown(transport.request(*what, **how))


def stream(transport, call):
    """Read a stream to its end, or to its nth event; `between` is requested after each event."""
    what, how = wire(call)
    opened = transport.stream(*what, **how, headers=call.get("headers"))
    seen = []
    ending = "closed"
    try:
        for event in events(opened):
            seen.append([event.name, event.data.decode(), event.id])
            if "between" in call:
                request(transport, call["between"])
            if len(seen) == call.get("leave_after"):
                ending = "left"
                break
    except StreamBroken as error:
        ending = f"broken: {error}"
    except StreamSilent as error:
        ending = f"silent: {error}"
    opened.close()
    opened.close()
    return shown(opened.head) | {"events": seen, "ending": ending}


def lines(transport, call):
    what, how = wire(call)
    opened = transport.stream(*what, **how)
    seen = [line.decode() for line in iter(opened.read_line, b"")]
    return seen, opened.read_line().decode()


KINDS = {"request": request, "stream": stream, "lines": lines}


def clock():
    """What a clock's tasks do: run side by side, and raise at their join."""
    ticking = GeventClock()
    order = []

    def slow():
        order.append("slow begins")
        ticking.sleep(0.05)
        order.append("slow ends")

    def fails():
        order.append("fails")
        raise LookupError("lost")

    before = ticking.now()
    tasks = [ticking.start(slow), ticking.start(fails)]
    tasks[0].join()
    try:
        tasks[1].join()
    except LookupError as error:
        order.append(str(error))
    ticking.sleep(-1)
    return {"order": order, "goes_on": ticking.now() > before}


class Sender:
    def __init__(self):
        self.fired = []
        self.environment = Environment()
        self.environment.events.request.add_listener(self.note)
        self.transport = None

    def note(self, request_type, name, exception, response_time, response_length, **_):
        assert response_time >= 0
        error = "" if exception is None else str(exception)
        self.fired.append([request_type, name, error, response_length])

    def obey(self, order):
        if order.get("clock"):
            return clock()
        self.fired.clear()
        if not order.get("again"):
            options = {key: order[key] for key in ("api_key", "max_bytes") if key in order}
            self.transport = LocustTransport(self.environment, order["url"], **options)
        calls = order["calls"]
        answers = [None] * len(calls)

        def make(place):
            call = calls[place]
            answers[place] = KINDS[call.get("kind", "request")](self.transport, call)

        if order.get("together"):
            ticking = GeventClock()
            for task in [ticking.start(lambda i=i: make(i)) for i in range(len(calls))]:
                task.join()
        else:
            for place in range(len(calls)):
                make(place)
        return {"answers": answers, "fired": list(self.fired)}


def main():
    sender = Sender()
    for line in sys.stdin:
        print(json.dumps(sender.obey(json.loads(line))), flush=True)  # noqa: T201  # its answer


if __name__ == "__main__":
    main()
