"""The policy file's types: environments, promotion rules, and which rule is for which image.

What a file must fulfil beyond its shape is in `policy_problems`; reading the file is an adapter's work.
"""

import hashlib
import re
from collections.abc import Callable
from functools import cached_property
from typing import Self

import msgspec
from msgspec.structs import replace

from promoter.domain.codec import encode
from promoter.domain.duration import Duration
from promoter.domain.errors import NotFoundError
from promoter.domain.freeze import FreezeWindow
from promoter.domain.image import Repository, Tag
from promoter.domain.selector import Glob, GlobIndex, TagSelector, any_of

MAIN_TRACK = "main"
_SETTING = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")


class SettingReference(str):
    """Names the app setting that a secret is in, as `${NAME}`; no policy or record has the secret."""

    __slots__ = ()
    EXAMPLE = "${REGISTRY_PASSWORD}"

    def __new__(cls, text: str) -> Self:
        """Check the text, which is not repeated in the error: it may be the secret."""
        if not _SETTING.fullmatch(text):
            message = "must be an app setting, as ${NAME}: secrets do not belong into the policy"
            raise ValueError(message)
        return super().__new__(cls, text)

    @property
    def name(self) -> str:
        """The setting's name."""
        return self[2:-1]


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """How a registry outside the tenant lets Promoter in.

    Attributes:
        password: The setting that holds a password, or a token where there is no user name.
        username: The setting that holds the user's name.
    """

    password: SettingReference
    username: SettingReference | None = None


class ForeignRegistry(msgspec.Struct, frozen=True, rename="camel"):
    """A registry that is none of this tenant's Azure Container Registries: images only come from there."""

    login_server: str
    credentials: Credentials | None = None


type Location = str | ForeignRegistry
"""Where an environment's images are: the ARM resource id of a registry of this tenant, or a foreign one."""


class EnvironmentRoles(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whose application roles count in an environment; one of several is enough.

    Attributes:
        operator: Who may promote to it, roll it back, hold it and adopt for it.
        approver: Who may approve for it.
    """

    operator: tuple[str, ...] = ("Promoter.Operator",)
    approver: tuple[str, ...] = ("Promoter.Approver",)


class Environment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A place where images run, with one registry; or a registry outside the tenant that images come from.

    Attributes:
        name: Lower-case letters, digits and hyphens; at most 40.
        registry: The ARM resource id of its Azure Container Registry.
        login_server: In place of `registry`, the host of a registry outside the tenant. Only a `from`.
        credentials: What that registry asks for, in settings; none where everybody may pull.
        pointer: A moving tag that always names what this environment is meant to run; on a track other than
            `main` it has the track's name behind it, as in `current-1x`.
        immutable_tags: Whether a tag that holds another digest is a conflict instead of being overwritten.
        roles: Whose application roles count here, in place of the global ones.
    """

    name: str
    registry: str = ""
    login_server: str | None = None
    credentials: Credentials | None = None
    pointer: Tag = msgspec.field(default_factory=lambda: Tag("current"))
    immutable_tags: bool = True
    roles: EnvironmentRoles = EnvironmentRoles()

    @property
    def location(self) -> Location:
        """Where its images are."""
        return self.registry or ForeignRegistry(self.login_server or "", self.credentials)

    def pointer_of(self, track: str) -> Tag:
        """The pointer tag of a track."""
        return self.pointer if track == MAIN_TRACK else Tag(f"{self.pointer}-{track}")


class GateRequirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A quality gate that must have passed.

    Attributes:
        name: The gate's name, as it is reported.
        environment: Where it must have passed; the rule's `from` when it names none.
        max_age: How old the verdict may be; any age when it does not say.
        issuers: Only verdicts that name one of these as their `issuer` count; the reporter says so itself.
        reporters: Only verdicts that one of these has reported count: actor ids, as Promoter knows them.
    """

    name: str
    environment: str | None = None
    max_age: Duration | None = None
    issuers: tuple[str, ...] = ()
    reporters: tuple[str, ...] = ()


class Approvals(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """How many people have to approve.

    Attributes:
        count: So many different people.
        roles: Application roles of which an approver has one; the target environment's approvers when it
            names none.
        max_age: How long an approval counts; for ever when it does not say.
    """

    count: int = 1
    roles: tuple[str, ...] = ()
    max_age: Duration | None = None


class PromotionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", dict=True):
    """Which images go from one environment to the next, and what for.

    Attributes:
        name: Lower-case letters, digits and hyphens; at most 40.
        source: The environment that an image comes from (`from` in the file).
        target: The environment that it is imported into (`to` in the file).
        repositories: An image's repository matches one of these patterns.
        tags: An image's tag matches one of these patterns, or the range of versions, or the expression.
        gates: Every one of these has passed.
        soak: How long the image has been in `from`, counted from its first arrival there.
        approvals: Who has to approve.
        freeze: In none of these windows a promotion is claimed.
        automatic: Whether a qualified image is promoted by itself; else only by hand.
        track: The release line of the repository that this rule's images belong to.
    """

    name: str
    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    repositories: tuple[Glob, ...]
    tags: tuple[Glob, ...] | TagSelector
    gates: tuple[str | GateRequirement, ...] = ()
    soak: Duration | None = None
    approvals: Approvals | None = None
    freeze: tuple[FreezeWindow, ...] = ()
    automatic: bool = False
    track: str = MAIN_TRACK

    @cached_property
    def requirements(self) -> tuple[GateRequirement, ...]:
        """The gates, each with its environment filled in."""
        named = (GateRequirement(gate) if isinstance(gate, str) else gate for gate in self.gates)
        return tuple(gate if gate.environment else replace(gate, environment=self.source) for gate in named)

    def versioned(self, tag: Tag) -> Tag | None:
        """An image's tag, where the images of this rule are ordered by their semantic version."""
        return tag if isinstance(self.tags, TagSelector) and self.tags.semver is not None else None

    @cached_property
    def hash(self) -> str:
        """What this rule says, in 12 hexadecimal digits: a changed rule has another."""
        return hashlib.sha256(encode(self).encode()).hexdigest()[:12]

    @cached_property
    def selects(self) -> Callable[[str, str], bool]:
        """What says whether the rule is for a repository and tag; made once."""
        repositories = any_of(self.repositories)
        tags = self.tags.test if isinstance(self.tags, TagSelector) else any_of(self.tags)
        return lambda repository, tag: bool(repositories(repository) and tags(tag))


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
        return {
            (environment.registry or environment.login_server or "").lower(): environment
            for environment in self.environments
        }

    @cached_property
    def _rules_by_name(self) -> dict[str, PromotionRule]:
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def _rules_by_source(self) -> dict[str, GlobIndex[PromotionRule]]:
        return {
            source: GlobIndex((rule.repositories, rule) for rule in self.rules if rule.source == source)
            for source in dict.fromkeys(rule.source for rule in self.rules)
        }

    @cached_property
    def _targets(self) -> frozenset[str]:
        return frozenset(rule.target for rule in self.rules)

    @cached_property
    def _pointers(self) -> dict[str, frozenset[Tag]]:
        """Each environment's pointer tags: they name what it runs, and are no image's tag there."""
        return {
            environment.name: frozenset(environment.pointer_of(track) for track in self._tracks)
            for environment in self.environments
        }

    @cached_property
    def _tracks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([MAIN_TRACK, *(rule.track for rule in self.rules)]))

    def environment(self, name: str, field: str = "environment") -> Environment:
        """The environment of that name.

        Args:
            name: Its name.
            field: What named it, to be told where there is none such.

        Raises:
            NotFoundError: The policy has none such.
        """
        try:
            return self._by_name[name]
        except KeyError:
            message = f"the policy has no environment {name[:80]!r}; it has {', '.join(self._by_name)}"
            raise NotFoundError(message, field) from None

    def environment_of_registry(self, *addresses: str) -> Environment | None:
        """The environment of a registry, by its ARM resource id or login server, compared without case."""
        found = (self._by_registry.get(address.lower()) for address in addresses if address)
        return next((environment for environment in found if environment is not None), None)

    def rules_from(self, environment: str, repository: Repository, tag: Tag) -> tuple[PromotionRule, ...]:
        """For each target that the image may go to from here, the first rule that matches."""
        if tag.names_referrer or environment not in self._rules_by_source:
            return ()
        first: dict[str, PromotionRule] = {}
        for rule in self._rules_by_source[environment].find(repository):
            is_open = rule.target not in first and tag not in self._pointers[rule.target]
            if is_open and rule.selects(repository, tag):
                first[rule.target] = rule
        return tuple(first.values())

    def rules_to(self, environment: str, repository: Repository, tag: Tag) -> tuple[PromotionRule, ...]:
        """The rules that lead an image into an environment: for each source, the first that matches."""
        found = (self.rules_from(source, repository, tag) for source in self._rules_by_source)
        return tuple(rule for rules in found for rule in rules if rule.target == environment)

    def rule_between(
        self, source: str, target: str, repository: Repository, tag: Tag
    ) -> PromotionRule | None:
        """The rule that leads an image from one environment into another, if there is one."""
        return next(
            (rule for rule in self.rules_from(source, repository, tag) if rule.target == target), None
        )

    def part(self, rule: PromotionRule) -> "Policy":
        """What of this policy binds a promotion under one rule: that rule and its two environments."""
        ends = (self.environment(rule.source), self.environment(rule.target))
        return Policy(environments=ends, rules=(rule,))

    @cached_property
    def guards(self) -> tuple[Environment, ...]:
        """All that roles guard: environments, and targets of rules that name approvers of their own."""
        of_their_own = (rule for rule in self.rules if rule.approvals and rule.approvals.roles)
        return (*self.environments, *map(self.guarded, of_their_own))

    def guarded(self, rule: PromotionRule) -> Environment:
        """A rule's target, with the approvers that the rule names in place of the environment's."""
        target, named = self.environment(rule.target), rule.approvals.roles if rule.approvals else ()
        roles = replace(target.roles, approver=named or target.roles.approver)
        return replace(target, roles=roles)

    def is_target(self, environment: str) -> bool:
        """Whether some rule leads to this environment: what arrives there by other ways is drift."""
        return environment in self._targets

    def rule(self, name: str) -> PromotionRule | None:
        """The rule of that name, if the policy still has it."""
        return self._rules_by_name.get(name)
