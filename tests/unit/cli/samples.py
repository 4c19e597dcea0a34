"""Documents as the API answers them."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
DIGEST = "sha256:" + "0123456789ab" + "0" * 52
ID = "prod~shop:web~9999999998.main"


def condition(kind: str, state: str, text: str, **more: object) -> dict[str, Any]:
    return {"kind": kind, "state": state, "text": text, **more}


MET = condition("arrival", "met", "arrived in staging as v2")
GATE = condition("gate", "pending", "waits for gate unit-tests in dev; nothing reported yet")
SOAK = condition("soak", "pending", "has to soak", earliest="2026-11-24T19:48:00Z")
FAILED = condition("gate", "refused", "gate unit-tests in dev failed")


def decision(outcome: str, *conditions: dict[str, Any], **more: object) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "rule": "staging-to-prod",
        "conditions": list(conditions),
        "earliest": None,
        **more,
    }


def record(phase: str = "succeeded", **more: object) -> dict[str, Any]:
    is_over = phase in {"succeeded", "failed", "superseded"}
    return {
        "id": ID,
        "kind": "manual",
        "phase": phase,
        "environment": "prod",
        "repository": "shop/web",
        "tag": "v2",
        "digest": DIGEST,
        "from": "staging",
        "rule": "staging-to-prod",
        "actor": {"id": "local/ann", "name": "ann", "via": "local"},
        "reason": "it is time",
        "createdAt": "2026-11-24T17:50:00Z",
        "completedAt": "2026-11-24T17:50:03Z" if is_over else None,
        "replaces": None,
        "rollbackOf": None,
        "retryOf": None,
        "override": None,
        "policyHash": "abc",
        "decision": decision("qualified", MET),
        "failure": None,
        **more,
    }


def candidate(*unmet: dict[str, Any], **more: object) -> dict[str, Any]:
    return {
        "environment": "prod",
        "repository": "shop/web",
        "tag": "v2",
        "digest": DIGEST,
        "from": "staging",
        "rule": "staging-to-prod",
        "since": "2026-11-24T17:30:00Z",
        "decision": decision("waiting", MET, *(unmet or (GATE,))),
        "requested": None,
        **more,
    }


def line(**more: object) -> dict[str, Any]:
    return {
        "environment": "prod",
        "repository": "shop/web",
        "track": "main",
        "current": {"record": ID, "digest": DIGEST, "tag": "v1", "pushedAt": "2026-11-24T10:00:00Z"},
        "inFlight": 0,
        "hold": None,
        "vetoes": [],
        "drift": [],
        **more,
    }
