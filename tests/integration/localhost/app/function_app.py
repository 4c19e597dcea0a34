"""A Functions app with one function for each behaviour of the host that the tests look at.

What a function sees goes to the queue `seen`, or into the folder that the setting SEEN names.
"""

# ruff: noqa: INP001 - an app's folder is no package

import asyncio
import json
import os
import time
from pathlib import Path
from typing import List  # noqa: UP035 - the worker library does not know list[str]

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


def note(function: str, **facts: object) -> None:
    """Leave a line where the test finds it."""
    with (Path(os.environ["SEEN"]) / function).open("a") as file:
        file.write(json.dumps(facts) + "\n")


@app.route(route="echo/{name:alpha}/{number:int?}", methods=["POST", "PUT"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Show the request."""
    seen = {
        "method": req.method,
        "params": dict(req.route_params),
        "query": dict(req.params),
        "header": req.headers.get("X-Probe"),
        "body": req.get_body().decode(),
    }
    return func.HttpResponse(json.dumps(seen), status_code=201, headers={"X-Answer": "yes"})


@app.route(route="items/{id}", methods=["GET"])
def free(req: func.HttpRequest) -> str:
    """Any item."""
    return f"free {req.route_params['id']}"


@app.route(route="items/special")
def literal(req: func.HttpRequest) -> str:
    """One item."""
    return f"literal {req.method}"


@app.route(route="items/{number:int}", methods=["GET"])
def constrained(req: func.HttpRequest) -> str:
    """Items with a number."""
    return f"constrained {req.route_params['number']}"


@app.route(route="files/{*path}", methods=["GET"])
def catch_all(req: func.HttpRequest) -> str:
    """Anything below."""
    return f"path {req.route_params.get('path', 'none')}"


@app.route(methods=["GET"])
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    """An answer with a cookie, and none of the rest."""
    return func.HttpResponse(headers={"Set-Cookie": "a=b; Path=/"}, status_code=204)


@app.route(methods=["GET"])
def broken(req: func.HttpRequest) -> str:
    """Raise."""
    message = "this is broken"
    raise LookupError(message)


@app.route(methods=["POST"])
async def slow(req: func.HttpRequest) -> str:
    """Take as long as the body says."""
    note("slow", started=True)
    await asyncio.sleep(float(req.get_body()))
    note("slow", ended=True)
    return "slept"


@app.route(methods=["GET"])
def blocking(req: func.HttpRequest) -> str:
    """Block the thread."""
    time.sleep(float(req.params["seconds"]))
    return "blocked"


@app.route(methods=["POST"])
async def stuck(req: func.HttpRequest) -> str:
    """Block the event loop."""
    time.sleep(float(req.get_body()))  # noqa: ASYNC251 - that is the point
    return "moved on"


@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent) -> None:
    """Note an event, or fail if it asks for that."""
    data = event.get_json()
    note("on_event", id=event.id, subject=event.subject, kind=type(event).__name__)
    if data.get("fail"):
        message = "as asked"
        raise RuntimeError(message)


@app.queue_trigger(arg_name="message", queue_name="%IN_QUEUE%", connection="TestStorage")
def on_message(message: func.QueueMessage) -> None:
    """Note a message, or fail as often as it asks for."""
    body = message.get_body().decode()
    note("on_message", body=body, count=message.dequeue_count, id=message.id)
    if body.startswith("fail") and (message.dequeue_count or 0) <= int(body.removeprefix("fail")):
        message_text = f"failed at {message.dequeue_count}"
        raise RuntimeError(message_text)


@app.queue_trigger(arg_name="message", queue_name="%IN_QUEUE%-poison", connection="TestStorage")
def on_poison(message: func.QueueMessage) -> None:
    """Note what was put aside."""
    note("on_poison", body=message.get_body().decode())


@app.queue_trigger(arg_name="message", queue_name="%SLOW_QUEUE%", connection="TestStorage")
async def on_slow_message(message: func.QueueMessage) -> None:
    """Take as long as the message says."""
    body = message.get_body().decode()
    note("on_slow_message", started=body)
    await asyncio.sleep(float(body))
    note("on_slow_message", ended=body, count=message.dequeue_count)


@app.route(methods=["POST"])
@app.queue_output(arg_name="one", queue_name="%OUT_QUEUE%", connection="TestStorage")
@app.queue_output(arg_name="many", queue_name="%OUT_QUEUE%", connection="TestStorage")
def put(req: func.HttpRequest, one: func.Out[str], many: func.Out[List[str]]) -> str:  # noqa: UP006
    """Put messages into a queue."""
    asked = req.get_json()
    if "one" in asked:
        one.set(asked["one"])
    if "many" in asked:
        many.set(asked["many"])
    if asked.get("fail"):
        message = "after setting the outputs"
        raise RuntimeError(message)
    return "put"


@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
def each_second(timer: func.TimerRequest) -> None:
    """Note each second."""
    note("each_second", past_due=timer.past_due, pid=os.getpid())


@app.timer_trigger(arg_name="timer", schedule="%DAILY%")
def daily(timer: func.TimerRequest) -> None:
    """Note each day."""
    note("daily", past_due=timer.past_due, last=timer.schedule_status.get("Last"))  # type: ignore[attr-defined]


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True, use_monitor=False)
def at_start(timer: func.TimerRequest) -> None:
    """Note the start."""
    note("at_start", past_due=timer.past_due, status=timer.schedule_status)  # type: ignore[attr-defined]


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", use_monitor=False)
def by_hand(timer: func.TimerRequest) -> None:
    """Note when somebody calls it."""
    note("by_hand", past_due=timer.past_due)
