"""Which server is called, and what it is told of the caller."""

import time
from dataclasses import dataclass, field, replace

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from promoter.cli.address import Address
from tests.fakes.api import page
from tests.unit.cli.conftest import Desk

ROUTE = "GET /candidates"
SECRET = "s3cret=="


@pytest.mark.parametrize(
    ("typed", "root"),
    [
        ("https://promoter.example.com", "https://promoter.example.com/api"),
        ("https://promoter.example.com/", "https://promoter.example.com/api"),
        ("https://promoter.example.com/api/", "https://promoter.example.com/api"),
        ("https://gateway.example.com:8443/promoter", "https://gateway.example.com:8443/promoter/api"),
        ("http://localhost:7071", "http://localhost:7071/api"),
        ("http://[::1]:7071", "http://[::1]:7071/api"),
    ],
)
def test_an_address_is_taken_with_and_without_the_path_of_the_api(typed: str, root: str) -> None:
    assert Address(typed).root == root


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("http://promoter.example.com", "use https"),
        ("http://127.0.0.1.example.com", "use https"),
        ("http://127.evil.example", "use https"),
        ("promoter.example.com", "is not an address"),
        ("ftp://promoter.example.com", "is not an address"),
        ("https://", "is not an address"),
        ("https://x:99999", "is not an address"),
        ("https://ann:pw@promoter.example.com", "scheme, host and port only"),
        ("https://promoter.example.com?code=x", "scheme, host and port only"),
    ],
)
def test_an_address_that_secrets_must_not_be_sent_to_is_refused(desk: Desk, typed: str, said: str) -> None:
    ended = desk.run("status", url=typed)
    assert ended.code == 2
    assert said in ended.err
    assert "pw" not in ended.err


def test_a_key_goes_into_its_header_and_into_nothing_that_is_shown(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMOTER_KEY", SECRET)
    desk.api.put_problem(ROUTE, 403, "no")
    ended = desk.run("candidates", "--json")
    assert desk.api.requests[0].headers["x-functions-key".title()] == SECRET
    assert SECRET not in ended.out + ended.err
    monkeypatch.setenv("PROMOTER_KEY", f"{SECRET}\nX-Other: 1")
    ended = desk.run("candidates")
    assert ended.code == 2
    assert SECRET not in ended.out + ended.err


def test_on_the_local_stack_one_can_be_anybody(desk: Desk) -> None:
    desk.api.put(ROUTE, page())
    desk.run("candidates", "--as", "ann")
    assert desk.api.requests[0].headers["X-Promoter-Actor".title()] == "ann"


@dataclass
class FakeCredential:
    """Signs in to Azure; tokens end after `lasts` seconds."""

    lasts: float = 3600
    scopes: list[str] = field(default_factory=list)
    error: Exception | None = None

    def get_token(self, *scopes: str) -> AccessToken:
        if self.error:
            raise self.error
        self.scopes += scopes
        return AccessToken(f"token-{len(self.scopes)}", int(time.time() + self.lasts))


@pytest.mark.parametrize(("lasts", "tokens"), [(3600, ["token-1", "token-1"]), (60, ["token-1", "token-2"])])
def test_a_token_is_asked_for_once_and_again_when_it_is_about_to_end(
    desk: Desk, lasts: float, tokens: list[str]
) -> None:
    credential = FakeCredential(lasts)
    desk.around = replace(desk.around, credential=lambda: credential)
    desk.api.put(ROUTE, page(cursor="more"))
    desk.api.put(ROUTE, page())
    assert desk.run("candidates", "--scope", "api://promoter/.default").code == 0
    assert [each.headers["Authorization"] for each in desk.api.requests] == [
        f"Bearer {each}" for each in tokens
    ]
    assert set(credential.scopes) == {"api://promoter/.default"}


def test_whoever_is_not_signed_in_is_told_how(desk: Desk) -> None:
    error = ClientAuthenticationError("DefaultAzureCredential failed to retrieve a token\nmany\nmore lines")
    desk.around = replace(desk.around, credential=lambda: FakeCredential(error=error))
    ended = desk.run("candidates", "--scope", "api://promoter/.default")
    assert (ended.code, desk.api.requests) == (5, [])
    assert "failed to retrieve a token" in ended.err
    assert "az login" in ended.err
    assert "many" not in ended.err


def test_a_key_and_a_scope_are_one_too_many(desk: Desk) -> None:
    ended = desk.run("candidates", "--key", SECRET, "--scope", "api://promoter/.default")
    assert (ended.code, desk.api.requests) == (2, [])
    assert SECRET not in ended.err
