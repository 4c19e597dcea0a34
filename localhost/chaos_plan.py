"""What a seed makes of a chaos run: images and verdicts, what the registries do wrong, and who dies when."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

REPOSITORIES = 30
TAGS = 10
_PASSES = 0.8


@dataclass(frozen=True, slots=True)
class Image:
    """One image, and what its gates will say of it."""

    repository: str
    tag: str
    unit_tests: bool
    integration_tests: bool

    def belongs_in(self, environment: str) -> bool:
        """Whether policy lets it into an environment."""
        return self.unit_tests and (environment == "staging" or self.integration_tests)


@dataclass(frozen=True, slots=True)
class Blow:
    """Something that is done to the stack: a host killed, or storage restarted, and how much later."""

    after: float
    target: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a seed decides.

    Attributes:
        images: In the order in which they are pushed.
        verdicts: Which image's verdict is reported when, some of them twice, as (image, gate).
        faults: The emulator's switchboard.
        blows: One after the other.
    """

    images: Sequence[Image]
    verdicts: Sequence[tuple[Image, str]]
    faults: dict[str, object]
    blows: Sequence[Blow]


def plan(seed: int, repositories: int = REPOSITORIES, tags: int = TAGS) -> Plan:
    """The plan of a seed; the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    images = [
        Image(f"chaos/app-{number:02}", f"v{tag}", dice.random() < _PASSES, dice.random() < _PASSES)
        for number in range(1, repositories + 1)
        for tag in range(1, tags + 1)
    ]
    dice.shuffle(images)
    verdicts = [(image, gate) for image in images for gate in ("unit-tests", "integration-tests")]
    verdicts += dice.sample(verdicts, len(verdicts) // 5)
    dice.shuffle(verdicts)
    targets = ["host 1", "host 2", "host 1", "host 2", "host 1", "host 2", "storage"]
    blows = [Blow(dice.uniform(4, 12), dice.choice(targets)) for _ in range(200)]
    return Plan(images, verdicts, _faults(seed, dice), blows)


def _faults(seed: int, dice: random.Random) -> dict[str, object]:
    """Slow, failing and throttled imports; duplicate, late and reordered events; import echo on or off."""
    submit, poll, run = "import.submit", "import.poll", "import.run"
    faults: list[dict[str, object]] = [
        {"operation": submit, "effect": "status", "status": 429, "retryAfter": 2, "probability": 0.03},
        {"operation": submit, "effect": "status", "status": 503, "probability": 0.03},
        {"operation": submit, "effect": "lost-answer", "status": 500, "probability": 0.03},
        {"operation": submit, "effect": "lost-location", "probability": 0.03},
        {"operation": submit, "effect": "immediate", "probability": 0.3},
        {"operation": poll, "effect": "status", "status": 500, "probability": 0.03},
        {"operation": poll, "effect": "status", "status": 403, "probability": 0.02},
        {"operation": poll, "effect": "failed-body", "probability": 0.02},
        {"operation": run, "effect": "delay", "seconds": 3, "probability": 0.1},
        {"operation": run, "effect": "fail", "probability": 0.03},
        {"operation": "manifest.read", "effect": "status", "status": 503, "probability": 0.01},
        {"operation": "event.delivery", "effect": "duplicate", "probability": 0.2},
        {"operation": "event.delivery", "effect": "delay", "seconds": 4, "probability": 0.2},
        {"operation": "event.delivery", "effect": "reorder", "seconds": 1, "probability": 0.2},
        {"operation": "event.attempt", "effect": "status", "status": 503, "probability": 0.05},
    ]
    return {"seed": seed, "importEcho": dice.random() < 0.5, "faults": faults}  # noqa: PLR2004 - even odds
