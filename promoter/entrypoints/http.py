"""The HTTP API."""

from typing import Any

import azure.functions as func
import msgspec

from promoter import __version__, bootstrap
from promoter.adapters.settings import Auth
from promoter.application.adopt import Adoption, adopt
from promoter.application.documents import REJECTIONS, Candidate, Rejection
from promoter.application.history import Page, Query, history, lines, target_environments
from promoter.application.hold import hold, unhold
from promoter.application.paging import every
from promoter.application.promote import Promoted, Wanted, explain, promote
from promoter.application.retry import abort, retry
from promoter.application.roll_back import RollbackWanted, find_record, roll_back
from promoter.application.take_gate_result import GateReport, take_gate_result
from promoter.application.take_push import unknown_registries
from promoter.application.work import advance
from promoter.domain.actor import Actor
from promoter.domain.codec import convert, decode, encode
from promoter.domain.errors import InvalidError
from promoter.domain.image import Repository
from promoter.domain.line import LineKey
from promoter.entrypoints.messages import CONNECTION, WORK_QUEUE, Wake, send
from promoter.entrypoints.problems import answered
from promoter.entrypoints.views import candidate_view, decision_view, line_view, record_view

bp = func.Blueprint()

MAX_BODY = 64 * 1024
_RECORD = "/api/promotions/"
_KEY_PARAMS = {"code", "clientId"}  # a function's key and its name, which Azure leaves in the query


@bp.function_name("promote")
@bp.route("promotions", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_promotion(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Promote an image by hand."""
    return await answered(_promote(req, wake))


@bp.function_name("roll_back")
@bp.route("rollbacks", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_rollback(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Roll an environment back to an earlier record."""
    return await answered(_roll_back(req, wake))


@bp.function_name("report_gate")
@bp.route("gates", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_gate(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Report a quality gate's verdict."""
    return await answered(_report(req, wake))


@bp.function_name("adopt")
@bp.route("adoptions", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_adoption(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Record what an environment runs today."""
    return await answered(_adopt(req, wake))


@bp.function_name("retry")
@bp.route("promotions/{id}/retry", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_retry(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Try a failed promotion again."""
    return await answered(_retry(req, wake))


@bp.function_name("abort")
@bp.route("promotions/{id}/abort", methods=["POST"])
async def post_abort(req: func.HttpRequest) -> func.HttpResponse:
    """Stop a promotion that has not started."""
    return await answered(_abort(req))


@bp.function_name("hold")
@bp.route("holds/{environment}/{repository}", methods=["PUT"])
async def put_hold(req: func.HttpRequest) -> func.HttpResponse:
    """Stop a line for automation."""
    return await answered(_hold(req))


@bp.function_name("unhold")
@bp.route("holds/{environment}/{repository}", methods=["DELETE"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def delete_hold(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Let automation on to a line again."""
    return await answered(_unhold(req, wake))


@bp.function_name("history")
@bp.route("promotions", methods=["GET"])
async def get_promotions(req: func.HttpRequest) -> func.HttpResponse:
    """Promotions, the newest first."""
    return await answered(_history(req))


@bp.function_name("show")
@bp.route("promotions/{id}", methods=["GET"])
async def get_promotion(req: func.HttpRequest) -> func.HttpResponse:
    """One promotion record."""
    return await answered(_show(req))


@bp.function_name("environments")
@bp.route("environments", methods=["GET"])
async def get_environments(req: func.HttpRequest) -> func.HttpResponse:
    """What runs where."""
    return await answered(_environments(req))


@bp.function_name("candidates")
@bp.route("candidates", methods=["GET"])
async def get_candidates(req: func.HttpRequest) -> func.HttpResponse:
    """What waits, and for what."""
    return await answered(_candidates(req))


@bp.function_name("decide")
@bp.route("decisions", methods=["GET"])
async def get_decision(req: func.HttpRequest) -> func.HttpResponse:
    """Why an image is promoted, or is not."""
    return await answered(_decide(req))


@bp.function_name("health")
@bp.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def get_health(req: func.HttpRequest) -> func.HttpResponse:
    """Whether the app runs, and if not, why."""
    return await answered(_health(req))


async def _promote(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    return _promoted(await promote(bootstrap.app(), _body(req, Wanted), _caller()), wake)


async def _adopt(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    return _promoted(await adopt(bootstrap.app(), _body(req, Adoption), _caller()), wake)


async def _retry(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    return _promoted(await retry(bootstrap.app(), req.route_params["id"], _caller()), wake)


def _promoted(promoted: Promoted | Candidate, wake: Wake) -> func.HttpResponse:
    if isinstance(promoted, Candidate):
        return _json(candidate_view(promoted), 202)
    record = promoted.record
    if not promoted.already:
        send(wake, [advance(record.line_key)])
    status = 200 if promoted.already else 202
    return _json(record_view(record), status, {"Location": _RECORD + record.id})


async def _abort(req: func.HttpRequest) -> func.HttpResponse:
    return _json(record_view(await abort(bootstrap.app(), req.route_params["id"], _caller())))


async def _roll_back(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    record = await roll_back(bootstrap.app(), _body(req, RollbackWanted), _caller())
    send(wake, [advance(record.line_key)])
    return _json(record_view(record), 202, {"Location": _RECORD + record.id})


async def _report(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    reported = await take_gate_result(bootstrap.app(), _body(req, GateReport), _caller(), guard=True)
    send(wake, reported.wake)
    image = {"repository": reported.image.repository, "digest": reported.image.digest}
    return _json(image | {"result": reported.result}, 202)


class _Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reason: str


async def _hold(req: func.HttpRequest) -> func.HttpResponse:
    line = await hold(bootstrap.app(), _line_key(req), _body(req, _Reason).reason, _caller())
    return _json(line_view(line))


async def _unhold(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    send(wake, await unhold(bootstrap.app(), _line_key(req)))
    return func.HttpResponse(status_code=204)


async def _history(req: func.HttpRequest) -> func.HttpResponse:
    page = await history(bootstrap.app(), _query(req, Query))
    return _json(Page([record_view(record) for record in page.items], page.cursor))


async def _show(req: func.HttpRequest) -> func.HttpResponse:
    return _json(record_view(await find_record(bootstrap.app(), req.route_params["id"])))


async def _environments(req: func.HttpRequest) -> func.HttpResponse:
    _query(req, _Nothing)
    return _json(Page([line_view(line) for line in await lines(bootstrap.app())], None))


class _Where(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    environment: str | None = None
    repository: Repository | None = None


async def _candidates(req: func.HttpRequest) -> func.HttpResponse:
    app, where = bootstrap.app(), _query(req, _Where)
    names = target_environments(app, where.environment)
    prefix = f"{where.repository.path}~" if where.repository else ""
    found = [candidate_view(each) for name in names async for each in every(app, Candidate, name, prefix)]
    return _json(Page(found, None))


async def _decide(req: func.HttpRequest) -> func.HttpResponse:
    return _json(decision_view(await explain(bootstrap.app(), _query(req, Wanted))))


async def _health(req: func.HttpRequest) -> func.HttpResponse:
    _query(req, _Nothing)
    process = bootstrap.process()
    known: dict[str, Any] = {
        "version": __version__,
        "problems": process.problems,
        "unknownRegistries": dict(unknown_registries),
    }
    if process.app is None:
        return _json({"status": "not ready", **known}, 503)
    latest = await process.app.promotions.page(Rejection, REJECTIONS, limit=1)
    rejected = latest[0].at if latest else None
    return _json({"status": "ok", **known, "policyHash": process.app.policy.hash, "lastRejection": rejected})


class _Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that takes no parameters."""


def _line_key(req: func.HttpRequest) -> LineKey:
    repository = Repository.from_path(req.route_params["repository"])
    return LineKey(req.route_params["environment"], repository, req.params.get("track", "main"))


def _body[T: msgspec.Struct](req: func.HttpRequest, type_: type[T]) -> T:
    body = req.get_body()
    if len(body) > MAX_BODY:
        message = f"the body has {len(body)} bytes; at most {MAX_BODY} are taken"
        raise InvalidError(message)
    if not body.strip():
        keys = ", ".join(field.encode_name for field in msgspec.structs.fields(type_) if field.required)
        message = f"a JSON body is needed, with {keys}"
        raise InvalidError(message)
    return decode(body, type_)


def _query[T](req: func.HttpRequest, type_: type[T]) -> T:
    params = {name: value for name, value in req.params.items() if name not in _KEY_PARAMS}
    return convert(params, type_, texts=True)


def _caller() -> Actor:
    settings = bootstrap.process().settings
    if settings is not None and settings.auth is Auth.LOCAL:
        return Actor("local", "whoever is at this machine", "local")
    return Actor("key", "a holder of the function's key", "key")


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> func.HttpResponse:
    return func.HttpResponse(encode(value), status_code=status, mimetype="application/json", headers=headers)
