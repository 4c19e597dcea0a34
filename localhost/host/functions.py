"""What an app is made of: functions and their bindings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localhost.host.errors import HostError
from localhost.host.host_json import HostJson

TRIGGERS = frozenset({"httpTrigger", "eventGridTrigger", "queueTrigger", "timerTrigger"})
OUTPUTS = frozenset({"http", "queue"})


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding of a function, as the worker library describes it."""

    name: str
    type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the app."""

    name: str
    id: str
    trigger: Binding
    outputs: Mapping[str, Binding]

    @classmethod
    def of(cls, name: str, function_id: str, bindings: list[dict[str, Any]]) -> "Function":
        """Sort a function's bindings.

        Raises:
            HostError: one of them is of a type that this host does not have.
        """
        known = [Binding(str(raw["name"]), str(raw["type"]), raw) for raw in bindings]
        for binding in known:
            if binding.type not in TRIGGERS | OUTPUTS:
                message = f"Function '{name}': the local host does not have the binding '{binding.type}'."
                raise HostError(message)
        trigger = next(binding for binding in known if binding.type in TRIGGERS)
        return cls(name, function_id, trigger, {b.name: b for b in known if b.type in OUTPUTS})

    def text(self, name: str) -> str:
        """A property of the trigger; empty where it is not set."""
        return str(self.trigger.properties.get(name) or "")


def is_enabled(function: Function, options: HostJson) -> bool:
    """Whether host.json's `functions` or the setting `AzureWebJobs.{name}.Disabled` leave it in."""
    disabled = os.environ.get(f"AzureWebJobs.{function.name}.Disabled", "").lower() in {"true", "1"}
    return not disabled and (not options.functions or function.name in options.functions)
