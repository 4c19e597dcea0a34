"""What each route does with a call that was let in."""

from dataclasses import replace
from typing import Any

from promoter import __version__
from promoter.application.adopt import Adoption, adopt
from promoter.application.approve import ApprovalWanted, approve
from promoter.application.documents import REJECTIONS, Candidate, Rejection
from promoter.application.explain import explain
from promoter.application.history import Query, candidates, history, lines
from promoter.application.hold import hold, unhold
from promoter.application.paging import Listing, Page
from promoter.application.promote import Promoted, Wanted, promote
from promoter.application.records import find_record
from promoter.application.retry import abort, retry
from promoter.application.roll_back import plan_rollback, roll_back
from promoter.application.rollback_plan import RollbackWanted
from promoter.application.take_gate_result import GateReport, take_gate_result
from promoter.application.take_push import unknown_registries
from promoter.application.work import advance
from promoter.domain.access import Capability
from promoter.domain.decision import Outcome
from promoter.domain.image import Repository
from promoter.domain.line import LineKey
from promoter.domain.promotion import RecordId
from promoter.entrypoints.answers import (
    Answer,
    candidate_answer,
    decision_answer,
    record_answer,
    shown,
)
from promoter.entrypoints.routes import Abortion, DecisionQuery, Nothing, Reason, Track
from promoter.entrypoints.serving import Asked
from promoter.entrypoints.views import (
    ApprovalView,
    DetailsView,
    candidate_view,
    line_view,
    record_view,
    report_view,
    rollback_view,
)
from promoter.entrypoints.waiting import Waiting, until


async def on_promote(asked: Asked[Waiting, Wanted]) -> Answer:
    """Promote by hand; an override is for an administrator."""
    asked.permit_in(asked.body.target)
    if asked.body.override is not None:
        asked.permit_in(asked.body.target, Capability.ADMINISTER)
    return _started(asked, await promote(asked.app, asked.body, asked.caller.actor))


async def on_adopt(asked: Asked[Waiting, Adoption]) -> Answer:
    """Record what an environment runs."""
    asked.permit_in(asked.body.environment)
    return _started(asked, await adopt(asked.app, asked.body, asked.caller.actor))


async def on_retry(asked: Asked[Waiting, Nothing]) -> Answer:
    """Try a failed promotion again."""
    record = await find_record(asked.app, _permitted_record(asked))
    if record.override is not None:
        asked.permit_in(record.environment, Capability.ADMINISTER)
    return _started(asked, await retry(asked.app, record.id, asked.caller.actor))


async def on_roll_back(asked: Asked[Waiting, RollbackWanted]) -> Answer:
    """Roll back, or say what that would do."""
    asked.permit_in(asked.body.line_key.environment)
    if asked.body.dry_run:
        return shown(rollback_view(await plan_rollback(asked.app, asked.body)))
    record = await roll_back(asked.app, asked.body, asked.caller.actor)
    return _started(asked, Promoted(record, already=False))


def _started(asked: Asked[Waiting, Any], promoted: Promoted | Candidate) -> Answer:
    if isinstance(promoted, Candidate):
        return candidate_answer(promoted, asked.app.clock.now())
    record = promoted.record
    if promoted.already:
        return record_answer(record)
    return record_answer(record, 202, [advance(record.line_key)])


async def on_abort(asked: Asked[Nothing, Abortion]) -> Answer:
    """Stop what has not started."""
    record = await abort(asked.app, _permitted_record(asked), asked.caller.actor, asked.body.reason)
    return record_answer(record)


def _permitted_record(asked: Asked[Any, Any]) -> str:
    record = asked.path["id"]
    asked.permit_in(RecordId.parse(record).environment)
    return record


async def on_report(asked: Asked[Nothing, GateReport]) -> Answer:
    """Take a gate's verdict."""
    reported = await take_gate_result(asked.app, asked.body, asked.caller.actor, guard=True)
    return replace(shown(report_view(reported, asked.app.policy), 202), wake=reported.wake)


async def on_approve(asked: Asked[Nothing, ApprovalWanted]) -> Answer:
    """Take what somebody says of a promotion."""
    approved = await approve(asked.app, asked.body, asked.caller)
    view = ApprovalView(approved.image.repository, approved.image.digest, approved.approval)
    return replace(shown(view, 202), wake=approved.wake)


async def on_hold(asked: Asked[Track, Reason]) -> Answer:
    """Hold a line."""
    line = await hold(asked.app, _permitted_line(asked), asked.body.reason, asked.caller.actor)
    return shown(line_view(line))


async def on_unhold(asked: Asked[Track, Nothing]) -> Answer:
    """Let automation on to a line again."""
    return Answer(status=204, wake=await unhold(asked.app, _permitted_line(asked)))


def _permitted_line[B](asked: Asked[Track, B]) -> LineKey:
    asked.permit_in(asked.path["environment"])
    repository = Repository.from_path(asked.path["repository"])
    return LineKey(asked.path["environment"], repository, asked.query.track)


async def on_history(asked: Asked[Query, Nothing]) -> Answer:
    """A page of promotions."""
    page = await history(asked.app, asked.query)
    return shown(Page([record_view(record) for record in page.items], page.cursor))


async def on_show(asked: Asked[Waiting, Nothing]) -> Answer:
    """One record; `serve` waits for its end, where the caller does."""
    return record_answer(await find_record(asked.app, asked.path["id"]))


async def on_environments(asked: Asked[Listing, Nothing]) -> Answer:
    """A page of lines."""
    page = await lines(asked.app, asked.query)
    return shown(Page([line_view(line) for line in page.items], page.cursor))


async def on_candidates(asked: Asked[Listing, Nothing]) -> Answer:
    """A page of what waits."""
    page = await candidates(asked.app, asked.query)
    return shown(Page([candidate_view(each) for each in page.items], page.cursor))


async def on_decide(asked: Asked[DecisionQuery, Nothing]) -> Answer:
    """A decision, once it is final where the caller waits for that."""
    app, query = asked.app, asked.query
    decision = await until(
        lambda: explain(app, query.wanted), lambda each: each.outcome is not Outcome.WAITING, query.wait
    )
    return decision_answer(decision, app.clock.now())


async def on_details(asked: Asked[Nothing, Nothing]) -> Answer:
    """How the app runs."""
    latest = await asked.app.promotions.page(Rejection, REJECTIONS, limit=1)
    view = DetailsView(
        status="ok",
        version=__version__,
        policy_hash=asked.app.policy.hash,
        unknown_registries=dict(unknown_registries),
        last_rejection=latest[0].at if latest else None,
    )
    return shown(view)


async def on_openapi(asked: Asked[Nothing, Nothing]) -> Answer:  # noqa: ARG001 - as every handler
    """The API's description, for programs."""
    from promoter.entrypoints.openapi import description  # noqa: PLC0415 - no other call pays for it

    return shown(description())


async def on_docs(asked: Asked[Nothing, Nothing]) -> Answer:  # noqa: ARG001 - as every handler
    """The API's description, for people."""
    from promoter.entrypoints.docs_page import SECURITY, page  # noqa: PLC0415 - no other call pays for it

    return Answer(page(), headers={"Content-Security-Policy": SECURITY}, kind="text/html")
