"""The dashboard's page: the same for everybody, whole, deployed, and sealed by its own policy."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import override

import pathspec
import pytest

from promoter.adapters.settings import Access, Auth
from promoter.domain.access import Role
from promoter.entrypoints import dashboard
from promoter.entrypoints.dashboard import SECURITY, page
from tests.fakes.world import WEB, World
from tests.unit.application.stories import released
from tests.unit.entrypoints.principals import signed_in
from tests.unit.entrypoints.running import LOCAL, Functions, call, read, run_over

ROOT = Path(__file__).parents[3]
FILES = [each for each in Path(dashboard.__file__).parent.iterdir() if each.is_file()]
ACCESS = [
    Access(Auth.ENTRA, platform=True),
    Access(Auth.ENTRA, platform=False),
    Access(Auth.KEYS),
    LOCAL,
    None,
]


class Parts(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.inline: dict[str, list[str]] = {"style": [], "script": []}
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in {"meta", "link", "input"}:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.inline:
            self.inline[self.open[-1]].append(data)


@pytest.mark.parametrize("access", ACCESS)
async def test_anybody_is_given_the_page_and_nothing_of_what_the_app_knows(
    monkeypatch: pytest.MonkeyPatch, access: Access | None
) -> None:
    world = World()
    await released(world, "v1")
    told = set()
    for headers in ({}, signed_in(), signed_in(Role.ADMIN)):
        for problems in (None, ["PromoterStorage: is not set"]):
            answer = await call(run_over(world, monkeypatch, problems, access), "dashboard", headers=headers)
            assert (answer.status_code, answer.mimetype) == (200, "text/html")
            assert answer.headers["Content-Security-Policy"] == SECURITY
            told.add(answer.get_body().decode())
    assert told == {page(access.auth if access else None)}
    assert re.search(rf"{WEB}@|sha256:|PromoterStorage|acr\b", told.pop()) is None


async def test_a_browser_that_has_it_is_not_sent_it_again(functions: Functions) -> None:
    tag = (await call(functions, "dashboard")).headers["ETag"]
    answer = await call(functions, "dashboard", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.get_body()) == (304, b"")


@pytest.mark.parametrize("auth", [*Auth, None])
def test_its_policy_lets_its_own_style_and_script_in_and_no_other(auth: Auth | None) -> None:
    parts = Parts(page(auth))
    assert parts.open == []
    for kind, texts in parts.inline.items():
        assert len(texts) == 1
        digest = base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()
        assert re.findall(rf"{kind}-src ([^;]+)", SECURITY) == [f"'sha256-{digest}'"]
    names = [name for name, _ in parts.attributes]
    assert [name for name in names if name.startswith("on") or name in {"src", "style", "action"}] == []
    addresses = [value or "" for name, value in parts.attributes if name == "href"]
    assert [each for each in addresses if not each.startswith(("#", "data:image/svg+xml,"))] == ["docs"]
    for each in ("default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'"):
        assert each in SECURITY


def test_its_script_knows_no_way_of_making_html_or_code_of_a_text() -> None:
    [script] = Parts(page(Auth.LOCAL)).inline["script"]
    html = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser"
    assert re.findall(rf"{html}|\beval\b|\bFunction\(|\.on\w+ =", script) == []
    assert re.findall(r"localStorage|document\.cookie|[?&]code=", script) == []
    assert re.findall(r"method: |POST|PUT|DELETE", script) == [], "it only reads"


def test_its_files_are_deployed() -> None:
    ignored = pathspec.GitIgnoreSpec.from_lines((ROOT / ".funcignore").read_text().splitlines())
    assert {each.suffix for each in FILES} == {".py", ".html", ".css", ".js"}
    assert [each.name for each in FILES if ignored.match_file(each.relative_to(ROOT))] == []


async def test_a_line_says_since_when_and_by_whom_it_runs_what_it_runs(functions: Functions) -> None:
    await released(functions.world, "v1", "v2")
    [staging, _] = read(await call(functions, "environments"))["items"]
    record = read(await call(functions, "show", path={"id": staging["current"]["record"]}))
    assert staging["current"]["since"] == record["completedAt"]
    promoter = {"id": "promoter", "name": "Promoter", "via": "automation"}
    assert staging["current"]["actor"] == record["actor"] == promoter
