"""The one table of the HTTP API: who may call each route, what it takes, and what it answers.

Authorization, the reading of requests and the OpenAPI description all go by this table; a test compares it
with the functions that the app registers. A route that does not stand in it admits nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from promoter.application.adopt import Adoption
from promoter.application.approve import ApprovalWanted
from promoter.application.history import Query
from promoter.application.paging import Listing, Page
from promoter.application.promote import Wanted
from promoter.application.rollback_plan import RollbackWanted
from promoter.application.take_gate_result import GateReport
from promoter.domain.access import Capability
from promoter.domain.image import Digest, Repository, Tag
from promoter.entrypoints.views import (
    ApprovalView,
    CandidateView,
    DecisionView,
    DetailsView,
    HealthView,
    LineView,
    RecordView,
    ReportView,
    RollbackView,
)
from promoter.entrypoints.waiting import Seconds, Waiting


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that takes no parameters."""


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the line is to be held: the body of `PUT /holds`."""

    reason: str


class Abortion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a promotion is to be stopped: the body of `POST /promotions/{id}/abort`."""

    reason: str | None = None


class Track(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which line of a repository is meant.

    Attributes:
        track: The release line, where the repository has several.
    """

    track: str = "main"


class DecisionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which decision is asked for.

    Attributes:
        target: The environment that the image is to go to.
        tag: The image by its tag in the source environment; or by its digest.
        source: The environment that it comes from; where it has arrived, if it is not named.
        wait: So many seconds, from 0 to 60, as long as the decision is `waiting`.
    """

    repository: Repository
    target: str = msgspec.field(name="to")
    tag: Tag | None = None
    digest: Digest | None = None
    source: str | None = msgspec.field(name="from", default=None)
    wait: Seconds = 0

    @property
    def wanted(self) -> Wanted:
        """The promotion that it would be about."""
        return Wanted(self.repository, self.target, tag=self.tag, digest=self.digest, source=self.source)


@dataclass(frozen=True, slots=True)
class Route[Q: msgspec.Struct, B: msgspec.Struct]:
    """One route.

    Attributes:
        name: The function's name.
        path: Below `/api`, with parameters as in `{id}`.
        needs: What its caller must be allowed; None where anybody may call it. To operate and to approve must
            be allowed in the environment that the call is about: who carries it out asks for that again.
        query: What its query says.
        body: What its body says.
        answers: What it may answer, by status; no type where it answers nothing, `str` for a web page.
    """

    name: str
    method: str
    path: str
    needs: Capability | None
    query: type[Q]
    body: type[B]
    answers: Mapping[int, tuple[object, ...]]

    @property
    def changes(self) -> bool:
        """Whether a call changes anything."""
        return self.method != "GET"


_READ, _REPORT = Capability.READ, Capability.REPORT
_OPERATE, _APPROVE = Capability.OPERATE, Capability.APPROVE
_STARTED = {202: (RecordView,), 200: (RecordView,)}
_STARTED_OR_WAITING = {202: (RecordView, CandidateView), 200: (RecordView,)}
_ROLLED_BACK = {202: (RecordView,), 200: (RecordView, RollbackView)}
_LINE = "holds/{environment}/{repository}"

PROMOTE = Route("promote", "POST", "promotions", _OPERATE, Waiting, Wanted, _STARTED_OR_WAITING)
ROLL_BACK = Route("roll_back", "POST", "rollbacks", _OPERATE, Waiting, RollbackWanted, _ROLLED_BACK)
ADOPT = Route("adopt", "POST", "adoptions", _OPERATE, Waiting, Adoption, _STARTED)
RETRY = Route("retry", "POST", "promotions/{id}/retry", _OPERATE, Waiting, Nothing, _STARTED_OR_WAITING)
ABORT = Route("abort", "POST", "promotions/{id}/abort", _OPERATE, Nothing, Abortion, {200: (RecordView,)})
REPORT_GATE = Route("report_gate", "POST", "gates", _REPORT, Nothing, GateReport, {202: (ReportView,)})
APPROVE = Route("approve", "POST", "approvals", _APPROVE, Nothing, ApprovalWanted, {202: (ApprovalView,)})
HOLD = Route("hold", "PUT", _LINE, _OPERATE, Track, Reason, {200: (LineView,)})
UNHOLD = Route("unhold", "DELETE", _LINE, _OPERATE, Track, Nothing, {204: ()})
HISTORY = Route("history", "GET", "promotions", _READ, Query, Nothing, {200: (Page[RecordView],)})
SHOW = Route("show", "GET", "promotions/{id}", _READ, Waiting, Nothing, {200: (RecordView,)})
ENVIRONMENTS = Route("environments", "GET", "environments", _READ, Listing, Nothing, {200: (Page[LineView],)})
CANDIDATES = Route("candidates", "GET", "candidates", _READ, Listing, Nothing, {200: (Page[CandidateView],)})
DECIDE = Route("decide", "GET", "decisions", _READ, DecisionQuery, Nothing, {200: (DecisionView,)})
OPENAPI = Route("openapi", "GET", "openapi.json", _READ, Nothing, Nothing, {200: (dict,)})
DOCS = Route("docs", "GET", "docs", _READ, Nothing, Nothing, {200: (str,)})
DASHBOARD = Route("dashboard", "GET", "dashboard", None, Nothing, Nothing, {200: (str,)})
HEALTH = Route("health", "GET", "health", None, Nothing, Nothing, {200: (HealthView,), 503: (HealthView,)})
DETAILS = Route("health_details", "GET", "health/details", _READ, Nothing, Nothing, {200: (DetailsView,)})

type AnyRoute = Route[Any, Any]
_ALL: tuple[AnyRoute, ...] = (
    *(PROMOTE, ROLL_BACK, ADOPT, RETRY, ABORT, REPORT_GATE, APPROVE, HOLD, UNHOLD),
    *(HISTORY, SHOW, ENVIRONMENTS, CANDIDATES, DECIDE, HEALTH, DETAILS, OPENAPI, DOCS, DASHBOARD),
)
ROUTES: Mapping[str, AnyRoute] = {route.name: route for route in _ALL}
