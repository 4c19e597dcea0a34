"""An app that can be run: its functions, with what calls each of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from localhost.host.errors import HostError, Problems
from localhost.host.event_grid import PATH
from localhost.host.functions import Function, is_enabled
from localhost.host.host_json import HostJson, read_host_json
from localhost.host.http import HttpFront
from localhost.host.invocations import Invocations
from localhost.host.leases import HostStorage, host_id
from localhost.host.queue_storage import QueueStorage
from localhost.host.queues import QueueListener
from localhost.host.routes import Route, Routes
from localhost.host.settings import load_local_settings, resolve_settings
from localhost.host.storage import StorageAccounts
from localhost.host.timers import TimerListener, schedule_of
from localhost.host.worker import index

_HOST_STORAGE = "AzureWebJobsStorage"

type Listener = QueueListener | TimerListener


@dataclass(frozen=True, slots=True)
class App:
    """An app, made ready to run.

    Attributes:
        functions: Its functions.
        routes: Where those that are called over HTTP are served.
        invocations: Where functions are run.
        http: What the app shows to HTTP.
        listeners: What calls the functions that are not called over HTTP.
        accounts: The storage that it uses.
    """

    functions: Sequence[Function]
    routes: Sequence[Route]
    invocations: Invocations
    http: HttpFront
    listeners: Sequence[Listener]
    accounts: StorageAccounts

    def listing(self, address: str) -> Iterator[tuple[str, str, str]]:
        """Each function's name, what triggers it, and where, for a host at that address."""
        routes = {route.function.name: route for route in self.routes}
        for function in self.functions:
            if route := routes.get(function.name):
                methods = ",".join(sorted(route.methods)) or "any method"
                yield function.name, f"[{methods}]", f"{address}/{route.template.text}"
                continue
            yield function.name, function.trigger.type, _place(function, address)


def _place(function: Function, address: str) -> str:
    match function.trigger.type:
        case "eventGridTrigger":
            return f"{address}{PATH}?functionName={function.name}"
        case "queueTrigger":
            return resolve_settings(function.text("queueName"), function.name)
        case _:
            return resolve_settings(function.text("schedule"), function.name)


async def load(folder: Path, lease: int, patience: float) -> App:
    """Read, index and check an app. Once in a process: see `worker.index`.

    Args:
        folder: The app's folder.
        lease: For how many seconds a queue message is hidden while it runs.
        patience: For how many seconds storage may take to answer.

    Raises:
        HostError: it cannot be run as it stands, with all that is wrong with it.
    """
    problems = Problems()
    problems.attempt(lambda: load_local_settings(folder))
    options = problems.attempt(lambda: read_host_json(folder)) or HostJson("2.0")
    try:
        found = await index(folder)
    except HostError as error:
        raise HostError(*problems.found, *error.problems) from error
    accounts = StorageAccounts(patience)
    app = _Assembly(folder, lease, options, accounts, problems).app(found)
    if problems.found:
        await accounts.close()
    problems.complain()
    return app


@dataclass(frozen=True, slots=True)
class _Assembly:
    """Puts an app together, and notes what is wrong with it."""

    folder: Path
    lease: int
    options: HostJson
    accounts: StorageAccounts
    problems: Problems

    def app(self, found: Sequence[Function]) -> App:
        functions = self._enabled(found)
        storage = QueueStorage(self.options.extensions.queues.message_encoding, self.accounts)
        invocations = Invocations(storage, self.options.function_timeout)
        self._check_outputs(functions, storage)
        http = self.options.extensions.http
        routes = [
            route
            for function in functions
            if function.trigger.type == "httpTrigger"
            and (route := self.problems.attempt(partial(Route.of, function, http.route_prefix)))
        ]
        listeners = [
            listener
            for function in functions
            if (listener := self.problems.attempt(partial(self._listener, function, storage, invocations)))
        ]
        front = HttpFront(functions, Routes(routes), http, invocations)
        return App(functions, routes, invocations, front, listeners, self.accounts)

    def _enabled(self, found: Sequence[Function]) -> list[Function]:
        names = {function.name for function in found}
        for name in self.options.functions:
            if name not in names:
                problem = f"host.json: `functions` names '{name}', which the app does not have."
                self.problems.found.append(problem)
        return [function for function in found if is_enabled(function, self.options)]

    def _check_outputs(self, functions: Sequence[Function], storage: QueueStorage) -> None:
        for function in functions:
            for binding in function.outputs.values():
                if binding.type == "queue":
                    self.problems.attempt(partial(storage.queue, function, binding))

    def _listener(
        self, function: Function, storage: QueueStorage, invocations: Invocations
    ) -> Listener | None:
        match function.trigger.type:
            case "queueTrigger":
                queues = self.options.extensions.queues
                return QueueListener(function, storage, queues, invocations, self.lease)
            case "timerTrigger":
                return self._timer(function, invocations)
            case _:
                return None

    def _timer(self, function: Function, invocations: Invocations) -> TimerListener | None:
        schedule = self.problems.attempt(lambda: schedule_of(function))
        account = self.problems.attempt(lambda: self.accounts.account(function.name, _HOST_STORAGE))
        if schedule is None or account is None:
            return None
        return TimerListener(function, schedule, invocations, HostStorage(account, host_id(self.folder)))
