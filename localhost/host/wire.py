"""The messages that azure-functions-runtime asks its host for, and the values that it exchanges with it.

In Azure these messages are protobuf classes. The runtime only constructs them and reads their attributes, so
plain namespaces serve, and no gRPC is needed.
"""

import json
from types import SimpleNamespace

from azure_functions_runtime.bindings.datumdef import Datum

__all__ = ["PROTOS", "Datum", "bytes_datum", "json_datum", "text_datum", "timer_request"]


class _StatusResult(SimpleNamespace):
    Failure, Success, Cancelled = range(3)


class _BindingInfo(SimpleNamespace):
    out, inout, undefined = 1, 2, 0


PROTOS = SimpleNamespace(
    BindingInfo=_BindingInfo,
    FunctionMetadataResponse=SimpleNamespace,
    RpcException=SimpleNamespace,
    RpcFunctionMetadata=SimpleNamespace,
    RpcRetryOptions=SimpleNamespace,
    StatusResult=_StatusResult,
    WorkerInitResponse=SimpleNamespace,
    WorkerMetadata=SimpleNamespace,
)


def text_datum(value: str) -> Datum:
    """A string on the wire."""
    return Datum(value, "string")


def bytes_datum(value: bytes) -> Datum:
    """Bytes on the wire."""
    return Datum(value, "bytes")


def json_datum(value: object) -> Datum:
    """A JSON document on the wire."""
    return Datum(json.dumps(value), "json")


def timer_request(*, past_due: bool, status: object) -> dict[str, object]:
    """What a timer trigger brings."""
    return {"IsPastDue": past_due, "Schedule": {"AdjustForDST": True}, "ScheduleStatus": status}
