"""The timer: picking up what no message drives."""

import azure.functions as func

from promoter import bootstrap
from promoter.application.idempotency import sweep
from promoter.application.reconcile import reconcile as reconcile_all
from promoter.entrypoints.messages import CONNECTION, WORK_QUEUE, Wake, send

bp = func.Blueprint()


@bp.function_name("reconcile")
@bp.timer_trigger(arg_name="timer", schedule="%PROMOTER_RECONCILE_SCHEDULE%")
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def reconcile(timer: func.TimerRequest, wake: Wake) -> None:  # noqa: ARG001 - the binding's
    """Resume what was left, and judge again what waits and is due."""
    app = bootstrap.app()
    send(wake, await reconcile_all(app))
    await sweep(app)
