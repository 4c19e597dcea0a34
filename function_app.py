"""The Functions app: registers the blueprints, nothing else."""

import os

import azure.functions as func

from promoter.entrypoints import events, gates, http, timers, work
from promoter.entrypoints.callers import auth_level

app = func.FunctionApp(http_auth_level=auth_level(os.environ))
for blueprint in (events.bp, gates.bp, work.bp, timers.bp, http.bp):
    app.register_functions(blueprint)
