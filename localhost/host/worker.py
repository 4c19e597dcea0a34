"""The worker: the app, indexed and called through azure-functions-runtime, in this process."""

import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import azure_functions_runtime as runtime
from azure_functions_runtime.native_invocation import invocation_request_native

from localhost.host.errors import HostError
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
        HostError: the app cannot be imported or indexed, or has no functions.
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
    functions = [
        Function.of(found.name, found.function_id, [json.loads(binding) for binding in found.raw_bindings])
        for found in listing.function_metadata_results or ()
    ]
    if not functions:
        message = f"{app / 'function_app.py'} was not found, or has no functions."
        raise HostError(message)
    return functions


def _enter(app: Path) -> None:
    """Make the app's folder the working directory, and importable after installed packages, as Azure does.

    What stood first on the path for `python -m` comes last, so that it hides no module of the app.
    """
    own = sys.path.pop(0)
    sys.path += [str(app), own]
    os.chdir(app)


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
