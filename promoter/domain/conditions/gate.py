"""Every quality gate of the rule has passed, recently enough, and by the word of somebody who counts."""

from collections.abc import Iterator

from promoter.domain.condition import Condition, Situation, State, how_long, when
from promoter.domain.evidence import Evidence, GateResult, Verdict
from promoter.domain.policy import Environment, GateRequirement, Policy, PromotionRule

KIND = "gate"


def asks(rule: PromotionRule, _: Environment) -> Iterator[str]:
    """What it asks for, one sentence for each gate."""
    for gate in rule.requirements:
        age = f", at most {gate.max_age} ago" if gate.max_age else ""
        issuers = f", as {' or '.join(gate.issuers)} says" if gate.issuers else ""
        reporters = f", reported by {' or '.join(gate.reporters)}" if gate.reporters else ""
        yield f"gate {gate.name} has passed in {gate.environment}{age}{issuers}{reporters}"


def judge(at: Situation) -> Iterator[Condition]:
    """One condition for each gate."""
    for requirement in at.rule.requirements:
        yield _judge(at, requirement)


def _judge(at: Situation, requirement: GateRequirement) -> Condition:
    gate = f"gate {requirement.name} in {requirement.environment}"
    result = _counting(at.evidence, requirement)
    if result is None:
        return Condition(KIND, State.PENDING, f"waits for {gate}; {_what_is_known(at.evidence, requirement)}")
    by = f" (by {result.issuer})" if result.issuer else ""
    if result.verdict is Verdict.FAILED:
        return Condition(KIND, State.REFUSED, f"{gate} failed at {when(result.at)}{by}", evidence=result)
    passed = f"passed at {when(result.at)}{by}"
    limit, age = requirement.max_age, at.now - result.at
    if limit is not None and age >= limit.delta:
        text = f"waits for {gate} to run again: it {passed}, {how_long(age)} ago, and counts for {limit}"
        return Condition(KIND, State.PENDING, text, evidence=result)
    until = result.at + limit.delta if limit is not None else None
    return Condition(KIND, State.MET, f"{gate} {passed}", until=until, evidence=result)


def _counting(evidence: Evidence, requirement: GateRequirement) -> GateResult | None:
    """The verdict that counts, among those of the issuers and reporters that the rule trusts."""
    trusted = tuple(result for result in evidence.gates if is_trusted(result, requirement))
    return Evidence(evidence.image, gates=trusted).gate(requirement.environment or "", requirement.name)


def is_trusted(result: GateResult, requirement: GateRequirement) -> bool:
    """Whether a verdict is of an issuer and a reporter that the rule counts."""
    reporter = result.reported_by.id if result.reported_by else None
    return (not requirement.issuers or result.issuer in requirement.issuers) and (
        not requirement.reporters or reporter in requirement.reporters
    )


def rules_that_count(result: GateResult, policy: Policy) -> tuple[str, ...]:
    """The rules that a verdict counts for."""
    return tuple(rule.name for rule, gate in _asked(result, policy) if is_trusted(result, gate))


def why_uncounted(result: GateResult, policy: Policy) -> str:
    """Why a verdict counts for no rule, for whoever reported it."""
    if asked_by := [rule.name for rule, _ in _asked(result, policy)]:
        return f"asked for by {' and '.join(asked_by)}, which counts no verdict of this issuer or reporter"
    gates = (gate for rule in policy.rules for gate in rule.requirements)
    there = dict.fromkeys(gate.name for gate in gates if gate.environment == result.environment)
    known = f"asked for there: {', '.join(there)}" if there else "no rule asks for any gate there"
    return f"no rule asks for gate {result.gate} in {result.environment}, so it decides nothing; {known}"


def _asked(result: GateResult, policy: Policy) -> list[tuple[PromotionRule, GateRequirement]]:
    return [
        (rule, gate)
        for rule in policy.rules
        for gate in rule.requirements
        if (gate.name, gate.environment) == (result.gate, result.environment)
    ]


def _what_is_known(evidence: Evidence, requirement: GateRequirement) -> str:
    other = evidence.gate(requirement.environment or "", requirement.name)
    if other is None:
        return "nothing reported yet"
    who = f"issuer {other.issuer or '(none)'}"
    if requirement.reporters:
        who += f", reported by {other.reported_by.id if other.reported_by else 'nobody known'}"
    return f"a verdict of {who} does not count here"
