"""What a policy means: in sentences, and the promotion path as a diagram."""

from collections.abc import Iterator

from promoter.domain.conditions import CONDITIONS, OVERRIDABLE
from promoter.domain.policy import MAIN_TRACK, Environment, Policy, PromotionRule
from promoter.domain.selector import TagSelector


def explain(policy: Policy) -> str:
    """The whole policy in words, as Markdown."""
    return "\n".join(
        [
            "## Where images are",
            "",
            *(f"- **{each.name}** {environment_in_words(policy, each)}" for each in policy.environments),
            "",
            "## Which go where",
            "",
            "For each image and target, the first of these rules that matches decides.",
            "",
            *(line for rule in policy.rules for line in _rule(policy, rule)),
            "Automation is bound by all of this; who promotes by hand by all but a hold, and may ask before",
            f"time and approvals are there. An administrator may override {', '.join(OVERRIDABLE)}.",
            "",
            "## The promotion path",
            "",
            "```mermaid",
            diagram(policy),
            "```",
        ]
    )


def environment_in_words(policy: Policy, environment: Environment) -> str:
    """What an environment is; its name goes before it."""
    if environment.login_server is not None:
        known = "with credentials" if environment.credentials else "open to everybody"
        return f"is {environment.login_server}, outside of the tenant, {known}: images only come from there"
    if not policy.is_target(environment.name):
        return "takes what is pushed to its registry"
    tags = "a tag there never moves" if environment.immutable_tags else "tags there may move"
    tracks = dict.fromkeys(rule.track for rule in policy.rules if rule.target == environment.name)
    pointers = " and ".join(f"`{environment.pointer_of(track)}`" for track in tracks)
    name = "names" if len(tracks) == 1 else "name"
    return (
        f"takes what is promoted; {pointers} {name} what it runs, and {tags}. It is operated by "
        f"{' or '.join(environment.roles.operator)}"
    )


def rule_in_words(rule: PromotionRule) -> str:
    """Which images a rule is for, and where it leads them."""
    match rule.tags:
        case TagSelector(semver=str() as versions):
            tags = f"whose tag is a version in `{versions}` (a higher one is newer)"
        case TagSelector(regex=expression):
            tags = f"whose tag matches `{expression}`"
        case globs:
            tags = f"whose tag is like {_or(globs)}"
    how = "by themselves" if rule.automatic else "by hand"
    track = f", on the track {rule.track}" if rule.track != MAIN_TRACK else ""
    return f"Images of {_or(rule.repositories)} {tags} go from {rule.source} to {rule.target} {how}{track}"


def conditions_in_words(policy: Policy, rule: PromotionRule) -> tuple[str, ...]:
    """What must be so before an image goes its way under a rule."""
    target = policy.environment(rule.target)
    return tuple(words for kind in CONDITIONS for words in kind.asks(rule, target))


def diagram(policy: Policy) -> str:
    """The promotion path as a Mermaid flowchart: whole lines go by themselves, dotted ones by hand."""
    numbers = {environment.name: f"e{number}" for number, environment in enumerate(policy.environments)}
    return "\n".join(
        [
            "flowchart LR",
            *(f"  {numbers[each.name]}{_node(policy, each)}" for each in policy.environments),
            *(
                f"  {numbers[rule.source]} {'-->' if rule.automatic else '-.->'}"
                f"|{_label(rule.name)}| {numbers[rule.target]}"
                for rule in policy.rules
            ),
        ]
    )


def _rule(policy: Policy, rule: PromotionRule) -> Iterator[str]:
    yield f"### {rule.name}"
    yield ""
    yield f"{rule_in_words(rule)}, once all of this holds:"
    yield ""
    yield from (f"- {words}" for words in conditions_in_words(policy, rule))
    yield ""


def _node(policy: Policy, environment: Environment) -> str:
    if environment.login_server is not None:
        return f"[/{_label(f'{environment.name}: {environment.login_server}')}/]"
    name = _label(environment.name)
    return f"[{name}]" if policy.is_target(environment.name) else f"([{name}])"


def _label(text: str) -> str:
    return f'"{text}"'


def _or(globs: tuple[str, ...]) -> str:
    return " or ".join(f"`{glob}`" for glob in globs)
