"""What a quality gate may be called, in the policy and in reports."""

import re

GATE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")


def is_gate_name(name: str) -> bool:
    """Whether a quality gate may have this name."""
    return GATE_NAME.fullmatch(name) is not None
