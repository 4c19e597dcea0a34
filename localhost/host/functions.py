"""What an app is made of: functions and their bindings."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localhost.host.errors import HostError
from localhost.host.host_json import HostJson

TRIGGERS = frozenset({"httpTrigger", "eventGridTrigger", "queueTrigger", "timerTrigger"})
OUTPUTS = frozenset({"http", "queue"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,126}")


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
    def of(cls, name: str, function_id: str, bindings: Sequence[str]) -> "Function":
        """Sort a function's bindings, given as JSON.

        Raises:
            HostError: its name is none, or this host does not have the type of a binding; all are named.
        """
        described = [json.loads(text) for text in bindings]
        known = [Binding(str(each["name"]), str(each["type"]), each) for each in described]
        problems = [
            f"Function '{name}': the local host does not have the binding '{binding.type}'."
            for binding in known
            if binding.type not in TRIGGERS | OUTPUTS
        ]
        if not _NAME.fullmatch(name):
            rule = "A name begins with a letter, and has at most 127 letters, digits, - and _."
            problems.append(f"Function '{name}': {rule}")
        if problems:
            raise HostError(*problems)
        trigger = next(binding for binding in known if binding.type in TRIGGERS)
        return cls(name, function_id, trigger, {b.name: b for b in known if b.type in OUTPUTS})

    def text(self, name: str) -> str:
        """A property of the trigger; empty where it is not set."""
        return str(self.trigger.properties.get(name) or "")


def is_enabled(function: Function, options: HostJson) -> bool:
    """Whether host.json's `functions` or the setting `AzureWebJobs.{name}.Disabled` leave it in."""
    disabled = os.environ.get(f"AzureWebJobs.{function.name}.Disabled", "").lower() in {"true", "1"}
    return not disabled and (not options.functions or function.name in options.functions)
