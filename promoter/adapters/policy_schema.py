"""The JSON Schema of the policy file: what its types do not say of themselves."""

from promoter.adapters.json_schema import Schema, schema_of, text
from promoter.domain.policy import Policy

_ONE_OR_MORE: Schema = {"minItems": 1}
_NAME = text(
    r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", says="At most 40 lower-case letters, digits and hyphens."
)
_GATE = text(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?",
    "unit-tests",
    says="At most 64 letters, digits and . _ -",
)
_ROLE = text(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}",
    "Promoter.Approver.Prod",
    says="An application role, as Promoter.Approver.Prod is.",
)
_ROLES: Schema = {"items": _ROLE, "maxItems": 64}
_REGISTRY = text(
    r"(?:/[^/]+){7}/[A-Za-z0-9]{5,50}",
    "${PROD_REGISTRY_ID}",
    says="The resource id of a registry: "
    "/subscriptions/.../resourceGroups/.../providers/Microsoft.ContainerRegistry/registries/NAME",
)
_HOST = text(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?(?::[0-9]{1,5})?",
    "docker.io",
    "other.azurecr.io",
    says="A host, as docker.io or other.azurecr.io are.",
)
_FACTS = {
    ("Policy", "environments"): _ONE_OR_MORE,
    ("Policy", "rules"): _ONE_OR_MORE,
    ("Environment", ""): {"anyOf": [{"required": ["registry"]}, {"required": ["loginServer"]}]},
    ("Environment", "name"): _NAME,
    ("Environment", "registry"): _REGISTRY,
    ("Environment", "loginServer"): {"anyOf": [_HOST, {"type": "null"}]},
    ("EnvironmentRoles", "operator"): _ROLES | _ONE_OR_MORE,
    ("EnvironmentRoles", "approver"): _ROLES | _ONE_OR_MORE,
    ("PromotionRule", "name"): _NAME,
    ("PromotionRule", "from"): _NAME,
    ("PromotionRule", "to"): _NAME,
    ("PromotionRule", "track"): _NAME,
    ("PromotionRule", "repositories"): _ONE_OR_MORE,
    ("PromotionRule", "gates"): {
        "items": {"anyOf": [_GATE, {"$ref": "#/$defs/GateRequirement"}]},
        "maxItems": 64,
    },
    ("PromotionRule", "freeze"): {"maxItems": 64},
    ("TagSelector", ""): {"minProperties": 1, "maxProperties": 1},
    ("GateRequirement", "name"): _GATE,
    ("GateRequirement", "issuers"): {"maxItems": 64},
    ("GateRequirement", "reporters"): {"maxItems": 64},
    ("Approvals", "count"): {"minimum": 1, "maximum": 10},
    ("Approvals", "roles"): _ROLES,
    ("FreezeWindow", "name"): _NAME,
}


def policy_schema() -> Schema:
    """The JSON Schema of the policy file."""
    return schema_of(Policy, _FACTS, settings=True)
