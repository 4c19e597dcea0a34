"""Everything that can be wrong with a policy of the right shape, each with the path to the value."""

import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from promoter.domain.freeze import MAX_CHAINED, never_thaws
from promoter.domain.gate_name import is_gate_name
from promoter.domain.policy import Approvals, Environment, GateRequirement, Policy, PromotionRule
from promoter.domain.selector import TagSelector

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_NAME_RULE = "is not a name: at most 40 lower-case letters, digits and hyphens"
_REGISTRY_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ContainerRegistry/registries/[A-Za-z0-9]{5,50}",
    re.IGNORECASE,
)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_LOGIN_SERVER = re.compile(rf"(?=.{{1,255}}\Z){_LABEL}(?:\.{_LABEL})*(?::(?P<port>[0-9]{{1,5}}))?")
_MAX_PORT = 65535
_ROLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_MAX_POINTER = 87  # with a track's name behind it, it must still be a tag
_MAX_APPROVALS = 10
_MAX_NAMED = 8
_MAX_LISTED = 64  # of gates, windows, roles: a record keeps them all, as they were judged

_MAX_LOOKS = 30_000  # at freeze windows, in search of a gap: bounds the time that a policy of any size takes


def problems(policy: Policy) -> list[str]:
    """Everything that is wrong with a policy, each with the path to the value."""
    return [*_environment_problems(policy), *_rule_problems(policy), *_path_problems(policy)]


def _environment_problems(policy: Policy) -> Iterator[str]:
    if not policy.environments:
        yield "environments: there is none; name at least two"
    targets = {rule.target: number for number, rule in reversed(list(enumerate(policy.rules)))}
    names: dict[str, int] = {}
    registries: dict[str, int] = {}
    for number, environment in enumerate(policy.environments):
        at = f"environments[{number}]"
        yield from _name_problem(f"{at}.name", environment.name, names, number, "environments")
        yield from _location_problems(at, environment, targets.get(environment.name))
        address = (environment.registry or environment.login_server or "").lower()
        if address and (first := registries.setdefault(address, number)) != number:
            key = "registry" if environment.registry else "loginServer"
            yield f"{at}.{key}: environments[{first}] has the same registry; each environment has its own"
        if len(environment.pointer) > _MAX_POINTER:
            yield f"{at}.pointer: is too long: at most {_MAX_POINTER} characters"
        for kind, roles in (
            ("operator", environment.roles.operator),
            ("approver", environment.roles.approver),
        ):
            yield from _role_problems(f"{at}.roles.{kind}", roles, needed=True)


def _location_problems(at: str, environment: Environment, led_to_by: int | None) -> Iterator[str]:
    server = environment.login_server
    if server is None:
        if not _REGISTRY_ID.fullmatch(environment.registry):
            what = (
                "is missing, and so is loginServer"
                if not environment.registry
                else (
                    f"{_shown(environment.registry)} is not the resource id of a registry "
                    "(/subscriptions/.../resourceGroups/.../providers/Microsoft.ContainerRegistry/registries/NAME)"
                )
            )
            yield f"{at}.registry: {what}"
        if environment.credentials is not None:
            yield f"{at}.credentials: go with loginServer; a registry of this tenant knows the app's identity"
        return
    if environment.registry:
        yield f"{at}.loginServer: stands in place of registry; name one of both"
    found = _LOGIN_SERVER.fullmatch(server)
    if found is None or not 1 <= int(found["port"] or 443) <= _MAX_PORT:
        yield f"{at}.loginServer: {_shown(server)} is not a host, as docker.io or other.azurecr.io are"
    if led_to_by is not None:
        yield (
            f"{at}.loginServer: rules[{led_to_by}] leads to {environment.name}, but images only come from "
            "registries outside the tenant"
        )


def _shown(address: str) -> str:
    """An address that is wrong, unless somebody may be named in it by a password."""
    return "what stands before and behind the @" if "@" in address else repr(address[:200])


def _rule_problems(policy: Policy) -> Iterator[str]:
    if not policy.rules:
        yield "rules: there is none; without a rule nothing can be promoted"
    known = tuple(environment.name for environment in policy.environments)
    names: dict[str, int] = {}
    windows = sum(len(rule.freeze) for rule in policy.rules)
    chained = min(MAX_CHAINED, _MAX_LOOKS // max(windows, 1))
    for number, rule in enumerate(policy.rules):
        at = f"rules[{number}]"
        yield from _name_problem(f"{at}.name", rule.name, names, number, "rules")
        for key, name in (("from", rule.source), ("to", rule.target)):
            if name not in known:
                yield f"{at}.{key}: {_unknown_environment(name, known)}"
        for key, values in (("repositories", rule.repositories), ("tags", rule.tags)):
            if not isinstance(values, TagSelector) and not values:
                yield f'{at}.{key}: names nothing, so the rule would match no image; "*" or "**" match all'
        if not _NAME.fullmatch(rule.track):
            yield f"{at}.track: {rule.track!r} {_NAME_RULE}"
        yield from _gates_problems(f"{at}.gates", rule, known)
        if rule.approvals is not None:
            yield from _approvals_problems(f"{at}.approvals", rule.approvals)
        yield from _freeze_problems(f"{at}.freeze", rule, chained)


def _unknown_environment(name: str, known: tuple[str, ...]) -> str:
    listed = ", ".join(known[:_MAX_NAMED]) + (" and others" if len(known) > _MAX_NAMED else "")
    return f"there is no environment {name!r}; there are {listed or 'none at all'}"


def _gates_problems(at: str, rule: PromotionRule, known: tuple[str, ...]) -> Iterator[str]:
    if len(rule.gates) > _MAX_LISTED:
        yield f"{at}: names {len(rule.gates)} gates; at most {_MAX_LISTED}"
    for index, gate in enumerate(rule.gates):
        yield from _gate_problems(f"{at}[{index}]", gate, known)
    if len({(gate.name, gate.environment) for gate in rule.requirements}) != len(rule.gates):
        yield f"{at}: names a gate twice"


def _gate_problems(at: str, gate: str | GateRequirement, known: tuple[str, ...]) -> Iterator[str]:
    asked = GateRequirement(gate) if isinstance(gate, str) else gate
    if not is_gate_name(asked.name):
        yield f"{at}: {asked.name!r} is not a gate's name: at most 64 letters, digits and . _ -"
    if asked.environment is not None and asked.environment not in known:
        yield f"{at}.environment: {_unknown_environment(asked.environment, known)}"
    for key, names in (("issuers", asked.issuers), ("reporters", asked.reporters)):
        if len(names) > _MAX_LISTED or not all(name.strip() for name in names):
            yield f"{at}.{key}: at most {_MAX_LISTED} names, none of them empty"


def _approvals_problems(at: str, approvals: Approvals) -> Iterator[str]:
    if not 1 <= approvals.count <= _MAX_APPROVALS:
        yield f"{at}.count: is {approvals.count}; from 1 to {_MAX_APPROVALS}"
    yield from _role_problems(f"{at}.roles", approvals.roles, needed=False)


def _freeze_problems(at: str, rule: PromotionRule, chained: int) -> Iterator[str]:
    if len(rule.freeze) > _MAX_LISTED:
        yield f"{at}: names {len(rule.freeze)} windows; at most {_MAX_LISTED}"
        return
    names: dict[str, int] = {}
    for index, window in enumerate(rule.freeze):
        yield from _name_problem(f"{at}[{index}].name", window.name, names, index, at)
    if never_thaws(rule.freeze, chained):
        yield f"{at}: leaves no time in which anything could be promoted"


def _role_problems(at: str, roles: Iterable[str], *, needed: bool) -> Iterator[str]:
    listed = list(roles)
    if needed and not listed:
        yield f"{at}: names nobody; leave it out for the global role"
    if len(listed) > _MAX_LISTED:
        yield f"{at}: names {len(listed)} roles; at most {_MAX_LISTED}"
    for index, role in enumerate(listed):
        if not _ROLE.fullmatch(role):
            yield f"{at}[{index}]: {role[:80]!r} is not an application role, as Promoter.Approver.Prod is"


def _name_problem(at: str, name: str, seen: dict[str, int], number: int, where: str) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        yield f"{at}: {name!r} {_NAME_RULE}"
    elif (first := seen.setdefault(name, number)) != number:
        yield f"{at}: {where}[{first}] has the same name"


def _path_problems(policy: Policy) -> Iterator[str]:
    graph: TopologicalSorter[str] = TopologicalSorter()
    for rule in policy.rules:
        graph.add(rule.target, rule.source)
    try:
        graph.prepare()
    except CycleError as error:
        yield f"rules: the promotion path runs in a circle: {' -> '.join(error.args[1])}"
