"""Carrying out a call: who calls, may he, what does he ask for; only then is anything done."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import azure.functions as func
import msgspec

from promoter import bootstrap
from promoter.application.app import App
from promoter.application.tell import say
from promoter.bootstrap import NotReadyError, Process
from promoter.domain.access import Caller, Capability, permit, permit_somewhere
from promoter.domain.actor import Actor
from promoter.domain.codec import encode
from promoter.domain.errors import ForbiddenError
from promoter.entrypoints.answers import Answer, record_answer, response
from promoter.entrypoints.callers import caller_of, check_not_cross_site
from promoter.entrypoints.messages import Wake, send
from promoter.entrypoints.once import once
from promoter.entrypoints.problems import answered
from promoter.entrypoints.requests import read_body, read_query
from promoter.entrypoints.routes import ROUTES, Route
from promoter.entrypoints.waiting import Waiting, ended

_NOBODY = Actor("nobody", "nobody known", "none")


@dataclass(frozen=True, slots=True)
class Asked[Q, B]:
    """A call that has been let in.

    Attributes:
        needs: What it asks to be allowed.
        path: The parameters in its path.
    """

    app: App
    caller: Caller
    needs: Capability
    path: dict[str, str]
    query: Q
    body: B

    def permit_in(self, environment: str, capability: Capability | None = None) -> None:
        """Let the caller go on in an environment; one that has left the policy goes by the global roles.

        Args:
            environment: What the call is about.
            capability: What else is asked for than the route says.

        Raises:
            ForbiddenError: He may not do that there.
        """
        known = {each.name: each for each in self.app.policy.environments}
        permit(self.caller, capability or self.needs, known.get(environment))


type Handler[Q, B] = Callable[[Asked[Q, B]], Awaitable[Answer]]


async def serve[Q: msgspec.Struct, B: msgspec.Struct](
    route: Route[Q, B], req: func.HttpRequest, handler: Handler[Q, B], wake: Wake | None = None
) -> func.HttpResponse:
    """Answer a call; whatever is wrong with it, by a problem document."""
    actor = _NOBODY

    async def carried_out() -> func.HttpResponse:
        nonlocal actor
        needs, process = _needs(route), bootstrap.process()
        if process.access is None:
            raise NotReadyError([])
        caller = caller_of(req, process.access)
        actor = caller.actor
        app = _admitting(process, caller, needs)
        if route.changes:
            check_not_cross_site(req, process.access)
        query, body = read_query(req, route.query), read_body(req, route.body)
        asked = Asked(app, caller, needs, dict(req.route_params), query, body)
        answer = await _carry_out(route, req, asked, handler)
        if isinstance(query, Waiting) and query.wait:
            answer = await _waited(app, answer, query.wait)
        if wake is not None:
            send(wake, answer.wake)
        return response(req, answer)

    answer = await answered(carried_out())
    if route.changes:
        status = answer.status_code
        words = f"{route.name} by {actor.id} ({actor.via}): {status}"
        say(logging.INFO, "call", words, call=route.name, actor=actor.id, via=actor.via, status=status)
    return answer


async def _carry_out[Q: msgspec.Struct, B: msgspec.Struct](
    route: Route[Q, B], req: func.HttpRequest, asked: Asked[Q, B], handler: Handler[Q, B]
) -> Answer:
    if not route.changes:
        return await handler(asked)
    said = None if isinstance(asked.query, Waiting) else asked.query  # however long one waits for the same
    asks = encode((route.name, asked.path, said, asked.body))
    return await once(asked.app, asked.caller, req, asks, lambda: handler(asked))


async def _waited(app: App, answer: Answer, seconds: int) -> Answer:
    """The answer once the promotion that was started has ended, or the time is up."""
    if answer.record is None:
        return answer
    for work in answer.wake:  # at once: what the function puts out goes out when it has returned
        await app.scheduler.wake(work, timedelta(0))
    found = await ended(app, answer.record, seconds)
    status = 200 if found.phase.is_terminal else answer.status
    return replace(record_answer(found, status), replayed=answer.replayed)


def _needs[Q: msgspec.Struct, B: msgspec.Struct](route: Route[Q, B]) -> Capability:
    if ROUTES.get(route.name) is not route or route.needs is None:
        message = f"{route.name} is not in the table of routes, so nobody may call it"
        raise ForbiddenError(message)
    return route.needs


def _admitting(process: Process, caller: Caller, needs: Capability) -> App:
    """The application, for a caller who may do what he asks for, there or in some environment."""
    if process.app is None:
        permit(caller, Capability.READ)
        raise NotReadyError(process.problems)
    permit_somewhere(caller, needs, process.app.policy.guards)
    return process.app
