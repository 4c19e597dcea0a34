"""The HTTP API: a function for each route, and the use case behind it."""

from dataclasses import replace
from typing import Any

import azure.functions as func

from promoter import __version__, bootstrap
from promoter.application.adopt import Adoption, adopt
from promoter.application.approve import ApprovalWanted, approve
from promoter.application.documents import REJECTIONS, Candidate, Rejection
from promoter.application.history import Query, candidates, history, lines
from promoter.application.hold import hold, unhold
from promoter.application.paging import Listing, Page
from promoter.application.promote import Promoted, Wanted, explain, promote
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
from promoter.entrypoints import routes
from promoter.entrypoints.answers import (
    Answer,
    candidate_answer,
    decision_answer,
    record_answer,
    response,
    shown,
)
from promoter.entrypoints.messages import CONNECTION, WORK_QUEUE, Wake
from promoter.entrypoints.problems import answered
from promoter.entrypoints.requests import read_query
from promoter.entrypoints.routes import Abortion, DecisionQuery, Nothing, Reason, Track
from promoter.entrypoints.serving import Asked, serve
from promoter.entrypoints.views import (
    ApprovalView,
    DetailsView,
    HealthView,
    ReportView,
    candidate_view,
    line_view,
    record_view,
    rollback_view,
)
from promoter.entrypoints.waiting import Waiting, until

bp = func.Blueprint()


@bp.function_name("promote")
@bp.route("promotions", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_promotion(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Promote an image by hand."""
    return await serve(routes.PROMOTE, req, _promote, wake)


@bp.function_name("roll_back")
@bp.route("rollbacks", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_rollback(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Roll an environment back to an earlier record."""
    return await serve(routes.ROLL_BACK, req, _roll_back, wake)


@bp.function_name("report_gate")
@bp.route("gates", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_gate(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Report a quality gate's verdict."""
    return await serve(routes.REPORT_GATE, req, _report, wake)


@bp.function_name("approve")
@bp.route("approvals", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_approval(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Approve a promotion, reject it, or withdraw what one has said."""
    return await serve(routes.APPROVE, req, _approve, wake)


@bp.function_name("adopt")
@bp.route("adoptions", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_adoption(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Record what an environment runs today."""
    return await serve(routes.ADOPT, req, _adopt, wake)


@bp.function_name("retry")
@bp.route("promotions/{id}/retry", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_retry(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Try a failed promotion again."""
    return await serve(routes.RETRY, req, _retry, wake)


@bp.function_name("abort")
@bp.route("promotions/{id}/abort", methods=["POST"])
async def post_abort(req: func.HttpRequest) -> func.HttpResponse:
    """Stop a promotion that has not started."""
    return await serve(routes.ABORT, req, _abort)


@bp.function_name("hold")
@bp.route("holds/{environment}/{repository}", methods=["PUT"])
async def put_hold(req: func.HttpRequest) -> func.HttpResponse:
    """Stop a line for automation."""
    return await serve(routes.HOLD, req, _hold)


@bp.function_name("unhold")
@bp.route("holds/{environment}/{repository}", methods=["DELETE"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def delete_hold(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Let automation on to a line again."""
    return await serve(routes.UNHOLD, req, _unhold, wake)


@bp.function_name("history")
@bp.route("promotions", methods=["GET"])
async def get_promotions(req: func.HttpRequest) -> func.HttpResponse:
    """Promotions, the newest first."""
    return await serve(routes.HISTORY, req, _history)


@bp.function_name("show")
@bp.route("promotions/{id}", methods=["GET"])
async def get_promotion(req: func.HttpRequest) -> func.HttpResponse:
    """One promotion record."""
    return await serve(routes.SHOW, req, _show)


@bp.function_name("environments")
@bp.route("environments", methods=["GET"])
async def get_environments(req: func.HttpRequest) -> func.HttpResponse:
    """What runs where."""
    return await serve(routes.ENVIRONMENTS, req, _environments)


@bp.function_name("candidates")
@bp.route("candidates", methods=["GET"])
async def get_candidates(req: func.HttpRequest) -> func.HttpResponse:
    """What waits, and for what."""
    return await serve(routes.CANDIDATES, req, _candidates)


@bp.function_name("decide")
@bp.route("decisions", methods=["GET"])
async def get_decision(req: func.HttpRequest) -> func.HttpResponse:
    """Why an image is promoted, or is not."""
    return await serve(routes.DECIDE, req, _decide)


@bp.function_name("health")
@bp.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def get_health(req: func.HttpRequest) -> func.HttpResponse:
    """Whether the app runs; for anybody, and no more than that."""
    return await answered(_health(req))


@bp.function_name("health_details")
@bp.route("health/details", methods=["GET"])
async def get_health_details(req: func.HttpRequest) -> func.HttpResponse:
    """How the app runs, or every problem of its settings and policy."""
    return await serve(routes.DETAILS, req, _details)


async def _promote(asked: Asked[Waiting, Wanted]) -> Answer:
    asked.permit_in(asked.body.target)
    if asked.body.override is not None:
        asked.permit_in(asked.body.target, Capability.ADMINISTER)
    return _started(asked, await promote(asked.app, asked.body, asked.caller.actor))


async def _adopt(asked: Asked[Waiting, Adoption]) -> Answer:
    asked.permit_in(asked.body.environment)
    return _started(asked, await adopt(asked.app, asked.body, asked.caller.actor))


async def _retry(asked: Asked[Waiting, Nothing]) -> Answer:
    return _started(asked, await retry(asked.app, _permitted_record(asked), asked.caller.actor))


async def _roll_back(asked: Asked[Waiting, RollbackWanted]) -> Answer:
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


async def _abort(asked: Asked[Nothing, Abortion]) -> Answer:
    record = await abort(asked.app, _permitted_record(asked), asked.caller.actor, asked.body.reason)
    return record_answer(record)


def _permitted_record(asked: Asked[Any, Any]) -> str:
    record = asked.path["id"]
    asked.permit_in(RecordId.parse(record).environment)
    return record


async def _report(asked: Asked[Nothing, GateReport]) -> Answer:
    reported = await take_gate_result(asked.app, asked.body, asked.caller.actor, guard=True)
    view = ReportView(
        reported.image.repository, reported.image.digest, reported.result, asked_by=(), note=None
    )
    return replace(shown(view, 202), wake=reported.wake)


async def _approve(asked: Asked[Nothing, ApprovalWanted]) -> Answer:
    approved = await approve(asked.app, asked.body, asked.caller)
    view = ApprovalView(approved.image.repository, approved.image.digest, approved.approval)
    return replace(shown(view, 202), wake=approved.wake)


async def _hold(asked: Asked[Track, Reason]) -> Answer:
    line = await hold(asked.app, _permitted_line(asked), asked.body.reason, asked.caller.actor)
    return shown(line_view(line))


async def _unhold(asked: Asked[Track, Nothing]) -> Answer:
    return Answer(status=204, wake=await unhold(asked.app, _permitted_line(asked)))


def _permitted_line[B](asked: Asked[Track, B]) -> LineKey:
    asked.permit_in(asked.path["environment"])
    repository = Repository.from_path(asked.path["repository"])
    return LineKey(asked.path["environment"], repository, asked.query.track)


async def _history(asked: Asked[Query, Nothing]) -> Answer:
    page = await history(asked.app, asked.query)
    return shown(Page([record_view(record) for record in page.items], page.cursor))


async def _show(asked: Asked[Waiting, Nothing]) -> Answer:
    app, name = asked.app, asked.path["id"]
    record = await until(
        lambda: find_record(app, name), lambda each: each.phase.is_terminal, asked.query.wait
    )
    return record_answer(record)


async def _environments(asked: Asked[Listing, Nothing]) -> Answer:
    page = await lines(asked.app, asked.query)
    return shown(Page([line_view(line) for line in page.items], page.cursor))


async def _candidates(asked: Asked[Listing, Nothing]) -> Answer:
    page = await candidates(asked.app, asked.query)
    return shown(Page([candidate_view(each) for each in page.items], page.cursor))


async def _decide(asked: Asked[DecisionQuery, Nothing]) -> Answer:
    app, query = asked.app, asked.query
    decision = await until(
        lambda: explain(app, query.wanted), lambda each: each.outcome is not Outcome.WAITING, query.wait
    )
    return decision_answer(decision, app.clock.now())


async def _details(asked: Asked[Nothing, Nothing]) -> Answer:
    latest = await asked.app.promotions.page(Rejection, REJECTIONS, limit=1)
    view = DetailsView(
        status="ok",
        version=__version__,
        policy_hash=asked.app.policy.hash,
        unknown_registries=dict(unknown_registries),
        last_rejection=latest[0].at if latest else None,
    )
    return shown(view)


async def _health(req: func.HttpRequest) -> func.HttpResponse:
    read_query(req, Nothing)
    ready = bootstrap.process().app is not None
    return response(req, shown(HealthView("ok" if ready else "not ready"), 200 if ready else 503))
