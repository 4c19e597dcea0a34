"""What `up` says when it is up."""

from collections.abc import Iterator

from emulator.distribution.switches import Auth
from emulator.server import Emulator

_WELCOMES = {
    Auth.ANONYMOUS: "push and pull with any OCI client",
    Auth.ANONYMOUS_PULL: "pull with any OCI client; pushing needs a token",
    Auth.TOKEN: "needs a token",
    Auth.BASIC: "needs a token, or the admin user's password",
}


def banner(emulator: Emulator) -> str:
    """Write where everything is."""
    rows = [*_registries(emulator), *_others(emulator), *_tls(emulator)]
    rows.append(("data", str(emulator.settings.data), ""))
    lines = [f"  {name:<16} {address:<29} {remark}".rstrip() for name, address, remark in rows]
    return "\n".join(["Azure Container Registry and Event Grid, emulated. Stop with Ctrl-C.", "", *lines, ""])


def _registries(emulator: Emulator) -> Iterator[tuple[str, str, str]]:
    for registry in emulator.registries.values():
        yield registry.name, f"http://{registry.login_server}", _WELCOMES[registry.auth]


def _others(emulator: Emulator) -> Iterator[tuple[str, str, str]]:
    settings = emulator.settings
    group = f"resource group {settings.resource_group}, subscription {settings.subscription_id}"
    yield "Resource Manager", emulator.arm_url, group
    yield "faults", f"{emulator.arm_url}/emulator/faults", ""
    yield "events", f"{emulator.arm_url}/emulator/events", ""
    for slot in emulator.sites.slots.all():
        yield f"site {slot}", f"{emulator.arm_url}/emulator/sites/{slot}", "what it runs"
    for topic in emulator.grid.topics():
        yield "topic", f"{emulator.arm_url}{topic.path}", f" takes {topic.schema}, key {topic.keys[0]}"
    for subscription in settings.subscriptions.values():
        yield "events go to", subscription.endpoint, ""


def _tls(emulator: Emulator) -> Iterator[tuple[str, str, str]]:
    if emulator.arm_tls_url:
        yield "over TLS", emulator.arm_tls_url, "Resource Manager, for az"
        for registry in emulator.registries.values():
            yield "", f"https://{registry.tls_login_server}", registry.name
        yield "its authority", str(emulator.settings.data / "tls" / "ca.pem"), "trust it: REQUESTS_CA_BUNDLE"
