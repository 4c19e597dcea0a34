"""A call of each route that is right, and a world that it is made in."""

from promoter.domain.codec import plain
from tests.fakes.world import WEB, World, policy, registry_id
from tests.unit.domain.strategies import digest

BODIES: dict[str, object] = {
    "promote": {"repository": WEB, "tag": "v1", "to": "prod"},
    "roll_back": {"record": "prod~shop:web~9999999998.main", "reason": "it is slow"},
    "adopt": {"environment": "prod", "repository": WEB, "tag": "v1"},
    "report_gate": {
        "repository": WEB,
        "tag": "v1",
        "environment": "dev",
        "gate": "unit-tests",
        "verdict": "passed",
    },
    "approve": {"repository": WEB, "digest": digest(1), "rule": "staging-to-prod", "decision": "approve"},
    "hold": {"reason": "a freeze"},
}
QUERIES: dict[str, dict[str, str]] = {"decide": {"repository": WEB, "tag": "v1", "to": "prod"}}


def world(**roles: list[str]) -> World:
    """A world whose environment prod asks for approvals, and for roles of its own if any are given."""
    environments = [{"name": name, "registry": registry_id(name)} for name in ("dev", "staging")]
    prod = {"name": "prod", "registry": registry_id("prod"), "roles": roles}
    first, second = (plain(rule) for rule in policy().rules)
    rules = [first, second | {"approvals": {"count": 1}}]
    return World(policy(environments=[*environments, prod], rules=rules))
