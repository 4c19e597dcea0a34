"""The Functions app: registers the blueprints, nothing else."""

import azure.functions as func

from promoter.entrypoints import events, gates, http, timers, work

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
for blueprint in (events.bp, gates.bp, work.bp, timers.bp, http.bp):
    app.register_functions(blueprint)
