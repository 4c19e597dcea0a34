"""Values of the domain, drawn at random, for the laws that hold for all of them."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from promoter.domain.codec import convert
from promoter.domain.evidence import Arrival, GateResult, Verdict
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import Policy

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

repositories = st.builds(
    Repository,
    st.from_regex(
        r"[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,4}(-[a-z0-9]{1,4})?){0,3}",
        fullmatch=True,
    ),
)
tags = st.builds(Tag, st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True))
digests = st.builds(
    Digest, st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True) | st.just("sha512:" + "0" * 128)
)
times = st.builds(
    lambda seconds: NOW + timedelta(seconds=seconds), st.integers(min_value=-1000, max_value=1000)
)


def fits(kind: type[str], text: str) -> bool:
    """Whether a text can be a value of a checked type."""
    try:
        kind(text)
    except ValueError:
        return False
    return True


def digest(number: int) -> Digest:
    """A digest, by a number."""
    return Digest(f"sha256:{number:064x}")


def arrivals(environment: str = "dev", tag: str = "v1") -> st.SearchStrategy[Arrival]:
    """Arrivals of one image in one environment under one tag."""
    return st.builds(
        Arrival,
        environment=st.just(environment),
        tag=st.just(Tag(tag)),
        first_at=times,
        last_at=times,
        pushed_at=times,
    )


def gate_results(environment: str = "dev", gate: str = "unit-tests") -> st.SearchStrategy[GateResult]:
    """Verdicts of one gate; few times, so that ties are common."""
    return st.builds(
        GateResult,
        environment=st.just(environment),
        gate=st.just(gate),
        verdict=st.sampled_from(Verdict),
        at=st.sampled_from([NOW, NOW + timedelta(seconds=1), NOW + timedelta(seconds=2)]),
        issuer=st.none() | st.sampled_from(["ci", "qa"]),
        evidence=st.none() | st.sampled_from(["12 tests", "13 tests"]),
    )


def policy_of(
    *rules: dict[str, object], environments: tuple[str, ...] = ("dev", "staging", "prod")
) -> Policy:
    """A policy from what its file would say; what a rule leaves out leads everything from dev to staging."""
    defaults = {
        "name": "dev-to-staging",
        "from": "dev",
        "to": "staging",
        "repositories": ["**"],
        "tags": ["*"],
    }
    return convert(
        {
            "environments": [{"name": name, "registry": registry_id(name)} for name in environments],
            "rules": [defaults | rule for rule in rules],
        },
        Policy,
    )


def registry_id(environment: str) -> str:
    """A registry's resource id."""
    return (
        "/subscriptions/s/resourceGroups/r/providers/Microsoft.ContainerRegistry"
        f"/registries/{environment.replace('-', '')}acr"
    )
