"""importImage, and the operations that it starts, as calls of Resource Manager."""

import asyncio
from http import HTTPStatus

from aiohttp import web

from emulator.arm.answers import error_response, failed_body, injected, running, suffer
from emulator.arm.imports import Imports
from emulator.arm.operations import ImportOperation, State
from emulator.arm.parameters import image_import, read_parameters
from emulator.arm.registries import PROVIDER, REGISTRY, Registries
from emulator.arm.routing import SUBSCRIPTION, Call, Route
from emulator.errors import ArmError
from emulator.faults import Effect, Faults, Operation
from emulator.identity import roles
from emulator.identity.assignments import Assignments


class ImportCalls:
    """Importing an image, and asking what became of it."""

    def __init__(
        self,
        registries: Registries,
        imports: Imports,
        assignments: Assignments,
        faults: Faults,
        poll_seconds: float,
    ) -> None:
        """Take what imports.

        Args:
            registries: The targets.
            imports: Where imports run.
            assignments: Who may import from where.
            faults: What goes wrong.
            poll_seconds: How long a client is told to wait between polls.
        """
        self._registries, self._imports, self._assignments = registries, imports, assignments
        self._faults, self._poll_seconds = faults, poll_seconds

    def routes(self) -> list[Route]:
        """Name the calls."""
        result = (
            rf"{SUBSCRIPTION}{PROVIDER}/locations/(?P<location>[^/]+)/operationResults/(?P<operation>[^/]+)"
        )
        return [
            Route("POST", rf"{REGISTRY}/importImage", self.submit, roles.IMPORT),
            Route("GET", result, self.poll),
        ]

    # Registries - Import Image
    async def submit(self, call: Call) -> web.Response:
        """Accept an import."""
        registry = self._registries.find(call)
        parameters = read_parameters(await call.request.read())
        subject = image_import(parameters).subject
        drawn = self._faults.draw(Operation.IMPORT_SUBMIT, registry.name, subject)
        if answer := await suffer(drawn):
            return answer
        if source := parameters.source.resource_id:
            self._assignments.require_linked(call.principal, roles.IMPORT, call.scope, source)
        operation = self._imports.submit(registry, parameters)
        if fault := drawn.get(Effect.LOST_ANSWER):
            return injected(fault)
        if fault := drawn.get(Effect.HANG):
            await asyncio.sleep(fault.seconds)
        if Effect.IMMEDIATE in drawn:
            return self._result(call.request, await self._imports.finished(operation))
        if Effect.LOST_LOCATION in drawn:
            return web.json_response(None, status=HTTPStatus.ACCEPTED)
        location = (
            f"/subscriptions/{call.path['subscription']}/providers/Microsoft.ContainerRegistry"
            f"/locations/{registry.location}/operationResults/{operation.id}"
        )
        return running(call.request, call.link(location), self._poll_seconds)

    # The Location of an import
    async def poll(self, call: Call) -> web.Response:
        """Tell how far an import is."""
        operation = self._imports.operations.find(call.path["operation"])
        if operation is None:
            message = f"The operation {call.path['operation']} was not found."
            raise ArmError(HTTPStatus.NOT_FOUND, "NotFound", message)
        subject = image_import(operation.parameters).subject
        drawn = self._faults.draw(Operation.IMPORT_POLL, operation.registry, subject)
        if answer := await suffer(drawn):
            return answer
        if fault := drawn.get(Effect.FAILED_BODY):
            return failed_body(fault.code or "InjectedFault", fault.message)
        return self._result(call.request, operation)

    def _result(self, request: web.Request, operation: ImportOperation) -> web.Response:
        match operation.state:
            case State.RUNNING:
                return running(request, request.path_qs, self._poll_seconds)
            case State.SUCCEEDED:
                return web.json_response({"status": "Succeeded"})
            case State.FAILED_QUIETLY:
                return failed_body(operation.code, operation.message)
            case State.FAILED:
                message = f"Operation {operation.id} failed. {operation.message}"
                return error_response(ArmError(HTTPStatus.BAD_REQUEST, operation.code, message))
