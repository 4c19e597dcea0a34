"""What people are told of each route, beside what its types say; and one request of each that has a body."""

from typing import NamedTuple


class Prose(NamedTuple):
    """What is said of a route.

    Attributes:
        group: Under which heading it stands.
        summary: What it does, in a few words.
        text: What else there is to know, in whole sentences; `code` between backticks.
        example: A body that it takes, or a query.
    """

    group: str
    summary: str
    text: str
    example: dict[str, object] | None = None


MOVE, JUDGE, LOOK, ABOUT = "Move images", "Judge images", "Look", "About the app"
_DIGEST = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

INTRODUCTION = """\
Promoter carries a container image, byte for byte, from one environment's registry to the next one's. \
Most of it goes by itself; this is how people and pipelines take part.

Bodies and answers are JSON. In a path, a repository's `/` is written `:`. Times are RFC 3339. What a \
call starts goes on in the background: it answers 202 with a record, whose `Location` tells when it has \
ended.

**Who may call.** Each call names what its caller must be allowed: `read`, `report`, `operate`, \
`approve`. In Azure that comes from the roles `Promoter.Reader`, `.Reporter`, `.Operator`, `.Approver` \
and `.Admin` of the token; an environment may ask for roles of its own. A write carries the header \
`X-Promoter-Client` with the name of your program.

**Repeating a call** is safe. With an `Idempotency-Key` (a UUID, say) the same call is carried out once \
and answered the same for a day. Without one, the same promotion or rollback is the same record while it \
runs.

**Waiting.** `?wait=SECONDS`, 60 at most, on what starts a promotion, on a record and on a decision: the \
answer comes when it is done, or when the time is up.

**Lists** answer `{"items": [...], "cursor": "..."}`. Send the cursor back for the next page; at the end \
it is null. Every read has an `ETag`; with `If-None-Match` what has not changed is a 304.

**Errors** are problem documents (RFC 9457) with a `type` that never changes, what went wrong, the \
`field` that is wrong, and what to do. They are listed at the end.
"""

COMMON = {
    "actor": "Who, and how they were known.",
    "at": "When.",
    "comment": "Why, for the record.",
    "completedAt": "When it ended; null while it has not.",
    "createdAt": "When it was asked for.",
    "digest": "The image's digest, by which it is known everywhere.",
    "environment": "The environment's name in the policy.",
    "gate": "The gate's name in the policy.",
    "items": "What is on this page.",
    "cursor": "Where the next page starts; null at the end.",
    "issuer": "Who ran the gate, as it says itself.",
    "reason": "Why, for the record; at most 1,000 characters.",
    "repository": "The repository's name, such as `shop/web`.",
    "rule": "The rule's name in the policy.",
    "tag": "The image's tag, such as `v1.4.2`.",
    "to": "The environment that the image is to go to.",
    "url": "Where the whole of it can be read.",
    "verdict": "What the gate says of the image.",
}
"""What fields are that are the same everywhere, where their type says nothing else."""

PROSE: dict[str, Prose] = {
    "promote": Prose(
        MOVE,
        "Promote an image by hand",
        "202 and the record, the same one while it runs; 200 where the environment runs the image already. "
        "Where only time or approvals are missing, 202 and the candidate, which goes ahead by itself. "
        "Anything else that is missing is a 409 with the decision. An administrator may `override` "
        "conditions, with a reason.",
        {"repository": "shop/web", "tag": "v1.4.2", "to": "prod", "reason": "release 1.4.2"},
    ),
    "roll_back": Prose(
        MOVE,
        "Roll an environment back",
        "To a `record`, or, where only `environment` and `repository` are named, to the previous good one: "
        "what the environment ran before, and did not go back from. The answer says which. The image that "
        "ran is vetoed, and automation kept off the line until its hold is deleted. With `dryRun`, 200 and "
        "what would happen.",
        {"environment": "prod", "repository": "shop/web", "reason": "checkout is broken"},
    ),
    "retry": Prose(
        MOVE,
        "Try a failed promotion again",
        "As a new record; the policy of today decides whether it may be.",
    ),
    "abort": Prose(
        MOVE,
        "Stop a promotion that has not started",
        "What is being imported cannot be stopped any more; roll it back.",
        {"reason": "the wrong tag"},
    ),
    "adopt": Prose(
        MOVE,
        "Record what an environment runs today",
        "So that the first rollback has somewhere to go. It sets the pointer tag, and nothing else in "
        "motion.",
        {"environment": "prod", "repository": "shop/web", "tag": "v1.3.0"},
    ),
    "report_gate": Prose(
        JUDGE,
        "Report a quality gate's verdict",
        "On an image by its digest, or by a tag that has named one image only. The same JSON is the "
        "message on the `quality-gates` queue. A later verdict replaces an earlier one of the same gate "
        "and reporter. Where no rule counts the verdict, the answer's `note` says so.",
        {
            "repository": "shop/web",
            "digest": _DIGEST,
            "environment": "dev",
            "gate": "unit-tests",
            "verdict": "passed",
            "url": "https://dev.azure.com/shop/_build/results?buildId=4711",
        },
    ),
    "approve": Prose(
        JUDGE,
        "Approve a promotion, reject it, or withdraw what one has said",
        "For one image under one rule. Nobody approves what they asked for; one rejection refuses until it "
        "is withdrawn.",
        {"repository": "shop/web", "digest": _DIGEST, "rule": "staging-to-prod", "decision": "approve"},
    ),
    "hold": Prose(
        JUDGE,
        "Keep automation off a line",
        "What is promoted by hand still goes. A line that is held keeps its first hold.",
        {"reason": "load test until Friday"},
    ),
    "unhold": Prose(
        JUDGE,
        "Let automation on to a line again",
        "What has waited for that is judged again.",
    ),
    "environments": Prose(
        LOOK,
        "What runs where",
        "Every line: a repository, on a track, in an environment; with holds, vetoes and drift.",
        {"environment": "prod"},
    ),
    "history": Prose(
        LOOK,
        "Promotions, the newest first",
        "The first page begins with what is under way, `limit` of it at most, and then has `limit` of those "
        "that have ended. `active` has all of what is under way.",
        {"environment": "prod", "repository": "shop/web"},
    ),
    "show": Prose(
        LOOK,
        "One promotion record",
        "With the decision that it was made on.",
    ),
    "candidates": Prose(
        LOOK,
        "What waits, and for what",
        "The approver's inbox: each with all its conditions, and when time will have met them.",
        {"environment": "prod"},
    ),
    "decide": Prose(
        LOOK,
        "Why an image is promoted, or is not",
        "Every condition, met or not, and the earliest time. As automation would decide now; where "
        "somebody has asked for the promotion and it waits, as theirs.",
        {"repository": "shop/web", "tag": "v1.4.2", "to": "prod"},
    ),
    "health": Prose(
        ABOUT,
        "Whether the app runs",
        "For anybody, and nothing more: 200 or 503.",
    ),
    "health_details": Prose(
        ABOUT,
        "How the app runs",
        "Or, as a 503, every problem of its settings and policy.",
    ),
    "openapi": Prose(
        ABOUT,
        "This description, for programs",
        "OpenAPI 3.1.",
    ),
    "dashboard": Prose(
        ABOUT,
        "What runs where, for people",
        "A page for a browser, the same for anybody: it holds nothing itself, and asks this API for what it "
        "shows as whoever looks at it, who needs `read` for that. With function keys it asks for one.",
    ),
    "docs": Prose(
        ABOUT,
        "This description, for people",
        "One page, which loads nothing else.",
    ),
}
