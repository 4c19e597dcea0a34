"""host.json: what of it this host knows, checked before anything runs."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from localhost.host.errors import HostError

_TIME_SPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d{1,7})?)"
)


class TimeSpan(float):
    """A duration in seconds, written as .NET writes it: `[d.]hh:mm:ss[.fffffff]`, or -1 for no limit."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> "TimeSpan":
        """Read a time span.

        Raises:
            ValueError: it is none.
        """
        if text == "-1":
            return cls("inf")
        match = _TIME_SPAN.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            message = f"Expected a time span like `00:00:30`, got `{text}`"
            raise ValueError(message)
        days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return cls(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


class _Section(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    pass


class HttpOptions(_Section, frozen=True):
    """`extensions.http`; the limits on concurrency are read and not enforced."""

    route_prefix: str = "api"
    custom_headers: dict[str, str] = {}
    max_outstanding_requests: int = -1
    max_concurrent_requests: int = -1
    dynamic_throttles_enabled: bool = False
    hsts: dict[str, Any] = {}


class QueueOptions(_Section, frozen=True):
    """`extensions.queues`, with the defaults of the extension that Azure runs."""

    max_polling_interval: TimeSpan = TimeSpan(60)
    visibility_timeout: TimeSpan = TimeSpan(0)
    batch_size: Annotated[int, Meta(ge=1, le=32)] = 16
    new_batch_threshold: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    max_dequeue_count: Annotated[int, Meta(ge=1)] = 5
    message_encoding: Literal["base64", "none"] = "base64"

    @property
    def threshold(self) -> int:
        """So many or fewer running invocations of a function, and the next batch is fetched."""
        return self.batch_size // 2 if self.new_batch_threshold is UNSET else self.new_batch_threshold


class Extensions(_Section, frozen=True):
    """`extensions`: those that this host has."""

    http: HttpOptions = HttpOptions()
    queues: QueueOptions = QueueOptions()


class HostJson(_Section, frozen=True):
    """The file; sections typed `Any` concern Azure only."""

    version: Literal["2.0"]
    function_timeout: TimeSpan = TimeSpan(30 * 60)
    functions: list[str] = []
    extensions: Extensions = Extensions()
    aggregator: Any = None
    concurrency: Any = None
    custom_handler: Any = None
    extension_bundle: Any = None
    health_monitor: Any = None
    logging: Any = None
    managed_dependency: Any = None
    singleton: Any = None
    telemetry_mode: Any = None
    watch_directories: Any = None
    watch_files: Any = None


def read_host_json(app: Path) -> HostJson:
    """Read and check the app's host.json.

    Raises:
        HostError: it is missing, no JSON, or holds keys or values that are not known; all of them are named.
    """
    path = app / "host.json"
    try:
        document = msgspec.json.decode(path.read_bytes())
        return msgspec.convert(document, HostJson, dec_hook=_decode)
    except FileNotFoundError as error:
        message = f"{path} was not found. Name the folder that holds function_app.py and host.json."
        raise HostError(message) from error
    except msgspec.ValidationError as error:
        raise HostError(*(f"{path}: {each}" for each in _problems(document, HostJson, "$"))) from error
    except msgspec.DecodeError as error:
        message = f"{path}: {error}"
        raise HostError(message) from error


def _problems(value: object, shape: type[msgspec.Struct], place: str) -> Iterator[str]:
    """All that is wrong with a section, where msgspec stops at the first."""
    if not isinstance(value, dict):
        yield f"Expected `object` - at `{place}`"
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for name in value.keys() - fields.keys():
        meant = "".join(f"; is `{each}` meant?" for each in get_close_matches(str(name), fields, 1))
        yield f"Object contains unknown field `{name}` - at `{place}`{meant}"
    for name, field in fields.items():
        if name not in value:
            if field.required:
                yield f"Object missing required field `{name}` - at `{place}`"
        elif isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _problems(value[name], field.type, f"{place}.{name}")
        else:
            yield from _problem(value[name], field.type, f"{place}.{name}")


def _problem(value: object, shape: Any, place: str) -> Iterator[str]:  # noqa: ANN401 - a type, maybe annotated
    try:
        msgspec.convert(value, shape, dec_hook=_decode)
    except msgspec.ValidationError as error:
        said, _, inner = str(error).partition(" - at `$")
        yield f"{said} - at `{place}{inner.rstrip('`')}`"


def _decode(_type: type, value: object) -> TimeSpan:
    return TimeSpan.parse(value)
