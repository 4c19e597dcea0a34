"""The worker: the app, indexed and called through azure-functions-runtime, in this process."""

import os
import re
import sys
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime.handle_event import _functions
from azure_functions_runtime.native_invocation import invocation_request_native

from localhost.host.errors import HostError, Problems
from localhost.host.functions import Function
from localhost.host.wire import PROTOS, Datum

_FOREIGN_FRAMES = re.compile(
    r'^  File "[^"]*(?:azure_functions_runtime|concurrent.futures)[^"]*".*\n(?:    .*\n)*', re.MULTILINE
)
"""Those frames of a traceback that say nothing about the app."""


class FunctionFailed(Exception):  # noqa: N818 - what happened, not a fault of the host
    """A function raised, returned what it may not, or its output could not be written."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


@dataclass(frozen=True, slots=True)
class Result:
    """What a function that succeeded returned, and what it set its output bindings to."""

    value: Datum | None
    outputs: list[tuple[str, Datum]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function: what the trigger brings."""

    invocation_id: str
    trigger: Datum
    metadata: dict[str, Datum]
    trace_parent: str


async def index(app: Path) -> list[Function]:
    """Import the app and list its functions. Once in a process: the worker library keeps the app globally.

    Raises:
        HostError: the app cannot be imported or indexed, has no functions, or has functions that this host
            or Azure would not take; all of these are named.
    """
    _enter(app)
    runtime.start_threadpool_executor()
    start = SimpleNamespace(capabilities={}, function_app_directory=str(app))
    request = SimpleNamespace(
        request=SimpleNamespace(worker_init_request=start), properties={"host": "127.0.0.1", "protos": PROTOS}
    )
    answer = await runtime.worker_init_request(request)
    if answer.result.status != PROTOS.StatusResult.Success:
        failure = answer.result.exception
        message = f"The app in {app} cannot be indexed: {failure.message}\n{failure.stack_trace}"
        raise HostError(message)
    listing = await runtime.functions_metadata_request(SimpleNamespace())
    found = list(listing.function_metadata_results or ())
    if not found:
        message = f"{app / 'function_app.py'} was not found, or has no functions."
        raise HostError(message)
    return _sorted(found)


def _sorted(found: list[Any]) -> list[Function]:
    problems = Problems()
    functions = [
        problems.attempt(partial(Function.of, each.name, each.function_id, each.raw_bindings))
        for each in found
    ]
    for name, count in Counter(each.name.lower() for each in found).items():
        if count > 1:
            problems.found.append(f"{count} functions are named '{name}'; names are compared without case.")
    problems.complain()
    return [function for function in functions if function is not None]


def _enter(app: Path) -> None:
    """Make the app's folder the working directory, and importable after installed packages, as Azure does.

    What stood first on the path for `python -m` comes last, so that it hides no module of the app.
    """
    own = sys.path.pop(0)
    sys.path += [str(app), own]
    os.chdir(app)


def holds_thread(function: Function) -> bool:
    """Whether it runs on a thread, which nothing can end, and not as a coroutine."""
    found = _functions.get_function(function.id)
    return found is not None and not found.is_async


async def call(function: Function, request: Call) -> Result:
    """Call a function: a coroutine on this loop, any other on the worker library's thread pool.

    Raises:
        FunctionFailed: it did not succeed.
    """
    succeeded, value, outputs, error, trace = await invocation_request_native(
        request.invocation_id,
        function.id,
        [(function.trigger.name, request.trigger)],
        request.metadata,
        trace_parent=request.trace_parent,
    )
    if not succeeded:
        raise FunctionFailed(error, _FOREIGN_FRAMES.sub("", trace))
    return Result(value, outputs)
