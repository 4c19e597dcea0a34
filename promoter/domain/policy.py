"""The policy file's types: environments, promotion rules, and which rule is for which image.

What a file must fulfil beyond its shape is in `problems`; reading the file itself is an adapter's work.
"""

import hashlib
import re
from collections.abc import Iterator
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Self

import msgspec

from promoter.domain.codec import encode
from promoter.domain.errors import NotFoundError
from promoter.domain.image import Repository, Tag

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_NAME_RULE = "is not a name: at most 40 lower-case letters, digits and hyphens"
_GATE_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?")
_REGISTRY_ID = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ContainerRegistry/registries/[A-Za-z0-9]{5,50}",
    re.IGNORECASE,
)
_GLOB = re.compile(r"[A-Za-z0-9._/*?-]+")
_MAX_STARS = 3  # of a pattern: what matching may cost grows with the text's length to this power


class Glob(str):
    """A pattern: `*` is any run of characters but `/`, `**` any run, `?` one character but `/`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if not _GLOB.fullmatch(text):
            message = f"{text!r} is not a pattern: letters, digits and . _ - / with * ** ? as wildcards"
            raise ValueError(message)
        if len(re.findall(r"\*+", text)) > _MAX_STARS:
            message = f"{text!r} has too many wildcards: at most {_MAX_STARS} of * and **"
            raise ValueError(message)
        return super().__new__(cls, text)

    @property
    def expression(self) -> str:
        """The same as a regular expression, to be matched against the whole text."""
        wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
        parts = re.findall(r"\*\*|\*|\?|[^*?]+", re.sub(r"\*{3,}", "**", self))
        return "".join(wild.get(part, re.escape(part)) for part in parts)


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A place where images run, with one registry.

    Attributes:
        name: Lower-case letters, digits and hyphens; at most 40.
        registry: The ARM resource id of its Azure Container Registry.
        pointer: A moving tag that always names what this environment is meant to run.
        immutable_tags: Whether a tag that holds another digest is a conflict instead of being overwritten.
    """

    name: str
    registry: str
    pointer: Tag = Tag("current")
    immutable_tags: bool = True


class GateRequirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A quality gate that must have passed.

    Attributes:
        name: The gate's name, as it is reported.
        environment: Where it must have passed; the rule's `from` when it names none.
    """

    name: str
    environment: str | None = None


class PromotionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Which images go from one environment to the next, and what for.

    Attributes:
        source: The environment that an image comes from (`from` in the file).
        target: The environment that it is imported into (`to` in the file).
        repositories: An image's repository matches one of these.
        tags: An image's tag matches one of these.
        gates: Every one of these has passed.
        automatic: Whether a qualified image is promoted by itself; else only by hand.
        track: The release line of the repository that this rule's images belong to.
    """

    name: str
    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    repositories: tuple[Glob, ...]
    tags: tuple[Glob, ...]
    gates: tuple[str | GateRequirement, ...] = ()
    automatic: bool = False
    track: str = "main"

    @property
    def requirements(self) -> tuple[GateRequirement, ...]:
        """The gates, each with its environment filled in."""
        named = (GateRequirement(gate) if isinstance(gate, str) else gate for gate in self.gates)
        return tuple(GateRequirement(gate.name, gate.environment or self.source) for gate in named)

    @property
    def hash(self) -> str:
        """What this rule says, in 12 hexadecimal digits: a changed rule has another."""
        return hashlib.sha256(encode(self).encode()).hexdigest()[:12]


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", dict=True):
    """The whole file: environments, and the rules between them in order of precedence."""

    environments: tuple[Environment, ...]
    rules: tuple[PromotionRule, ...]

    @cached_property
    def hash(self) -> str:
        """What this policy says, in 12 hexadecimal digits; kept on every record made under it."""
        return hashlib.sha256(encode(self).encode()).hexdigest()[:12]

    @cached_property
    def _by_name(self) -> dict[str, Environment]:
        return {environment.name: environment for environment in self.environments}

    @cached_property
    def _by_registry(self) -> dict[str, Environment]:
        return {environment.registry.lower(): environment for environment in self.environments}

    @cached_property
    def _selectors(self) -> tuple[tuple[PromotionRule, re.Pattern[str], re.Pattern[str]], ...]:
        return tuple((rule, _any_of(rule.repositories), _any_of(rule.tags)) for rule in self.rules)

    def environment(self, name: str) -> Environment:
        """The environment of that name.

        Raises:
            NotFoundError: The policy has none such.
        """
        try:
            return self._by_name[name]
        except KeyError:
            message = f"the policy has no environment {name!r}; it has {', '.join(self._by_name)}"
            raise NotFoundError(message) from None

    def environment_of_registry(self, registry_id: str) -> Environment | None:
        """The environment whose registry has that ARM resource id, compared without case."""
        return self._by_registry.get(registry_id.lower())

    def rules_from(self, environment: str, repository: Repository, tag: Tag) -> tuple[PromotionRule, ...]:
        """For each target that the image may go to from here, the first rule that matches."""
        return self._first_per_target(repository, tag, source=environment)

    def rules_to(self, environment: str, repository: Repository, tag: Tag) -> tuple[PromotionRule, ...]:
        """The rules that lead an image into an environment: for each source, the first that matches."""
        sources = dict.fromkeys(rule.source for rule in self.rules if rule.target == environment)
        found = (self._first_per_target(repository, tag, source=source) for source in sources)
        return tuple(rule for rules in found for rule in rules if rule.target == environment)

    def part(self, rule: PromotionRule) -> "Policy":
        """What of this policy binds a promotion under one rule: that rule and its two environments."""
        ends = (self.environment(rule.source), self.environment(rule.target))
        return Policy(environments=ends, rules=(rule,))

    def is_target(self, environment: str) -> bool:
        """Whether some rule leads to this environment: what arrives there by other ways is drift."""
        return any(rule.target == environment for rule in self.rules)

    def rule(self, name: str) -> PromotionRule | None:
        """The rule of that name, if the policy still has it."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def _first_per_target(self, repository: Repository, tag: Tag, source: str) -> tuple[PromotionRule, ...]:
        if tag.names_referrer:
            return ()
        first: dict[str, PromotionRule] = {}
        for rule, repositories, tags in self._selectors:
            if rule.source != source or rule.target in first or tag == self.environment(rule.target).pointer:
                continue  # the pointer names what the target runs: it is no image's tag there
            if repositories.fullmatch(repository) and tags.fullmatch(tag):
                first[rule.target] = rule
        return tuple(first.values())


def _any_of(globs: tuple[Glob, ...]) -> re.Pattern[str]:
    return re.compile("|".join(glob.expression for glob in globs))


def problems(policy: Policy) -> list[str]:
    """Everything that is wrong with a policy of the right shape, each with the path to the value."""
    return [
        *_environment_problems(policy),
        *_rule_problems(policy),
        *_path_problems(policy),
    ]


def _environment_problems(policy: Policy) -> Iterator[str]:
    if not policy.environments:
        yield "environments: there is none; name at least two"
    names: dict[str, int] = {}
    registries: dict[str, int] = {}
    for number, environment in enumerate(policy.environments):
        at = f"environments[{number}]"
        yield from _name_problem(f"{at}.name", environment.name, names, number, "environments")
        if not _REGISTRY_ID.fullmatch(environment.registry):
            yield (
                f"{at}.registry: {environment.registry!r} is not the resource id of a registry "
                "(/subscriptions/.../resourceGroups/.../providers/Microsoft.ContainerRegistry/registries/NAME)"
            )
        elif (first := registries.setdefault(environment.registry.lower(), number)) != number:
            yield f"{at}.registry: environments[{first}] has the same registry; each environment has its own"


def _rule_problems(policy: Policy) -> Iterator[str]:
    if not policy.rules:
        yield "rules: there is none; without a rule nothing can be promoted"
    known = {environment.name for environment in policy.environments}
    names: dict[str, int] = {}
    for number, rule in enumerate(policy.rules):
        at = f"rules[{number}]"
        yield from _name_problem(f"{at}.name", rule.name, names, number, "rules")
        for key, name in (("from", rule.source), ("to", rule.target)):
            if name not in known:
                yield f"{at}.{key}: there is no environment {name!r}"
        for key, values in (("repositories", rule.repositories), ("tags", rule.tags)):
            if not values:
                yield f'{at}.{key}: names nothing, so the rule would match no image; "*" or "**" match all'
        if not _NAME.fullmatch(rule.track):
            yield f"{at}.track: {rule.track!r} {_NAME_RULE}"
        for index, gate in enumerate(rule.gates):
            yield from _gate_problems(f"{at}.gates[{index}]", gate, known)
        if len(set(rule.requirements)) != len(rule.gates):
            yield f"{at}.gates: names a gate twice"


def _gate_problems(at: str, gate: str | GateRequirement, known: set[str]) -> Iterator[str]:
    name, environment = (gate, None) if isinstance(gate, str) else (gate.name, gate.environment)
    if not is_gate_name(name):
        yield f"{at}: {name!r} is not a gate's name: at most 64 letters, digits and . _ -"
    if environment is not None and environment not in known:
        yield f"{at}.environment: there is no environment {environment!r}"


def is_gate_name(name: str) -> bool:
    """Whether a quality gate may have this name."""
    return _GATE_NAME.fullmatch(name) is not None


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
