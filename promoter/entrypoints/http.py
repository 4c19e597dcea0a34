"""The HTTP API: a function for each route, and the use case behind it."""

import azure.functions as func

from promoter import bootstrap
from promoter.entrypoints import handlers, routes
from promoter.entrypoints.answers import Answer, response, shown
from promoter.entrypoints.messages import CONNECTION, WORK_QUEUE, Wake
from promoter.entrypoints.problems import answered, problem
from promoter.entrypoints.requests import read_query
from promoter.entrypoints.routes import Nothing
from promoter.entrypoints.serving import serve
from promoter.entrypoints.unknown import unknown_call
from promoter.entrypoints.views import HealthView

bp = func.Blueprint()


@bp.function_name("promote")
@bp.route("promotions", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_promotion(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Promote an image by hand."""
    return await serve(routes.PROMOTE, req, handlers.on_promote, wake)


@bp.function_name("roll_back")
@bp.route("rollbacks", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_rollback(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Roll an environment back to an earlier record."""
    return await serve(routes.ROLL_BACK, req, handlers.on_roll_back, wake)


@bp.function_name("report_gate")
@bp.route("gates", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_gate(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Report a quality gate's verdict."""
    return await serve(routes.REPORT_GATE, req, handlers.on_report, wake)


@bp.function_name("approve")
@bp.route("approvals", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_approval(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Approve a promotion, reject it, or withdraw what one has said."""
    return await serve(routes.APPROVE, req, handlers.on_approve, wake)


@bp.function_name("adopt")
@bp.route("adoptions", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_adoption(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Record what an environment runs today."""
    return await serve(routes.ADOPT, req, handlers.on_adopt, wake)


@bp.function_name("retry")
@bp.route("promotions/{id}/retry", methods=["POST"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def post_retry(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Try a failed promotion again."""
    return await serve(routes.RETRY, req, handlers.on_retry, wake)


@bp.function_name("abort")
@bp.route("promotions/{id}/abort", methods=["POST"])
async def post_abort(req: func.HttpRequest) -> func.HttpResponse:
    """Stop a promotion that has not started."""
    return await serve(routes.ABORT, req, handlers.on_abort)


@bp.function_name("hold")
@bp.route("holds/{environment}/{repository}", methods=["PUT"])
async def put_hold(req: func.HttpRequest) -> func.HttpResponse:
    """Stop a line for automation."""
    return await serve(routes.HOLD, req, handlers.on_hold)


@bp.function_name("unhold")
@bp.route("holds/{environment}/{repository}", methods=["DELETE"])
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def delete_hold(req: func.HttpRequest, wake: Wake) -> func.HttpResponse:
    """Let automation on to a line again."""
    return await serve(routes.UNHOLD, req, handlers.on_unhold, wake)


@bp.function_name("history")
@bp.route("promotions", methods=["GET"])
async def get_promotions(req: func.HttpRequest) -> func.HttpResponse:
    """Promotions, the newest first."""
    return await serve(routes.HISTORY, req, handlers.on_history)


@bp.function_name("show")
@bp.route("promotions/{id}", methods=["GET"])
async def get_promotion(req: func.HttpRequest) -> func.HttpResponse:
    """One promotion record."""
    return await serve(routes.SHOW, req, handlers.on_show)


@bp.function_name("environments")
@bp.route("environments", methods=["GET"])
async def get_environments(req: func.HttpRequest) -> func.HttpResponse:
    """What runs where."""
    return await serve(routes.ENVIRONMENTS, req, handlers.on_environments)


@bp.function_name("candidates")
@bp.route("candidates", methods=["GET"])
async def get_candidates(req: func.HttpRequest) -> func.HttpResponse:
    """What waits, and for what."""
    return await serve(routes.CANDIDATES, req, handlers.on_candidates)


@bp.function_name("decide")
@bp.route("decisions", methods=["GET"])
async def get_decision(req: func.HttpRequest) -> func.HttpResponse:
    """Why an image is promoted, or is not."""
    return await serve(routes.DECIDE, req, handlers.on_decide)


@bp.function_name("health")
@bp.route("health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def get_health(req: func.HttpRequest) -> func.HttpResponse:
    """Whether the app runs; for anybody, and no more than that."""
    return await answered(_health(req))


@bp.function_name("health_details")
@bp.route("health/details", methods=["GET"])
async def get_health_details(req: func.HttpRequest) -> func.HttpResponse:
    """How the app runs, or every problem of its settings and policy."""
    return await serve(routes.DETAILS, req, handlers.on_details)


@bp.function_name("openapi")
@bp.route("openapi.json", methods=["GET"])
async def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
    """The API's description, for programs."""
    return await serve(routes.OPENAPI, req, handlers.on_openapi)


@bp.function_name("docs")
@bp.route("docs", methods=["GET"])
async def get_docs(req: func.HttpRequest) -> func.HttpResponse:
    """The API's description, for people."""
    return await serve(routes.DOCS, req, handlers.on_docs)


@bp.function_name("dashboard")
@bp.route("dashboard", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def get_dashboard(req: func.HttpRequest) -> func.HttpResponse:
    """The page that people look at; for anybody, since it holds nothing: it asks for what it shows."""
    return await answered(_dashboard(req))


@bp.function_name("unknown")
@bp.route("{*path}", auth_level=func.AuthLevel.ANONYMOUS)
async def no_such_call(req: func.HttpRequest) -> func.HttpResponse:
    """What no other route takes: a path or a method that does not exist."""
    return problem(unknown_call(req))


async def _dashboard(req: func.HttpRequest) -> func.HttpResponse:
    from promoter.entrypoints.dashboard import SECURITY, page  # noqa: PLC0415 - no other call pays for it

    read_query(req, Nothing)
    access = bootstrap.process().access
    headers = {"Content-Security-Policy": SECURITY}
    return response(req, Answer(page(access.auth if access else None), headers=headers, kind="text/html"))


async def _health(req: func.HttpRequest) -> func.HttpResponse:
    read_query(req, Nothing)
    ready = bootstrap.process().app is not None
    return response(req, shown(HealthView("ok" if ready else "not ready"), 200 if ready else 503))
