"""Whom a registry lets in, and the token exchange of Azure (Azure/acr: docs/AAD-OAuth.md)."""

import base64
import io
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.distribution.tokens import LIFETIMES, Access, Kind, Tokens
from emulator.identity.principal import ExpiredTokenError, Principal, principal_of, unsigned_token
from emulator.testing import Azure
from tests.integration.emulator.support import EMPTY, Answer, AnyToken, Oci, acr_client, manifest

NULL_USER = "00000000-0000-0000-0000-000000000000"
PULL, PUSH = "repository:shop/web:pull", "repository:shop/web:pull,push"


@pytest.fixture
async def azure(tmp_path: Path) -> AsyncIterator[Azure]:
    """Two registries that have shop/web:v1 and ask for tokens."""
    async with Azure(registries=("dev", "prod"), data=tmp_path) as azure:
        for name in ("dev", "prod"):
            await azure.registry(name).push("shop/web:v1")
            azure.switch(name, RegistrySwitches(Auth.TOKEN))
        yield azure


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


async def exchange(oci: Oci, **changes: str) -> Answer:
    form = {"grant_type": "access_token", "service": oci.service, "access_token": "somebody"}
    return await oci.ask("POST", "/oauth2/exchange", data=form | changes)


class TestTheChallenge:
    @pytest.mark.parametrize(
        ("method", "path", "scope"),
        [
            ("GET", "manifests/v1", "repository:shop/web:pull"),
            ("HEAD", f"blobs/sha256:{'0' * 64}", "repository:shop/web:pull"),
            ("PUT", "manifests/v1", "repository:shop/web:pull,push"),
            ("POST", "blobs/uploads/", "repository:shop/web:pull,push"),
            ("DELETE", "blobs/uploads/some-session", "repository:shop/web:pull,push"),
            ("DELETE", "manifests/v1", "repository:shop/web:delete"),
            ("GET", "tags/list", "repository:shop/web:metadata_read"),
            ("GET", "/acr/v1/shop/web/_tags", "repository:shop/web:metadata_read"),
            ("PATCH", "/acr/v1/shop/web/_tags/v1", "repository:shop/web:metadata_write"),
            ("DELETE", "/acr/v1/shop/web", "repository:shop/web:delete"),
            ("GET", "/v2/_catalog", "registry:catalog:*"),
            ("GET", "/acr/v1/_catalog", "registry:catalog:*"),
        ],
    )
    async def test_names_what_is_needed(self, dev: Oci, method: str, path: str, scope: str) -> None:
        answer = await dev.ask(method, path)

        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == (
            f'Bearer realm="{dev.url}/oauth2/token",service="{dev.service}",scope="{scope}"'
        )
        assert method == "HEAD" or answer.code == "UNAUTHORIZED"

    async def test_for_the_api_itself_has_no_scope(self, dev: Oci) -> None:
        answer = await dev.ask("GET", "/v2/")

        assert answer.status == 401
        assert "scope" not in answer.headers["WWW-Authenticate"]

    @pytest.mark.parametrize(
        "header", ["Bearer made.up.token", "Bearer ", "Basic bm9ib2R5Om5vdGhpbmc=", "Basic ?", "Digest x"]
    )
    async def test_is_repeated_for_credentials_that_are_none(self, dev: Oci, header: str) -> None:
        answer = await dev.ask("GET", "/v2/", headers={"Authorization": header})

        assert answer.status == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


class TestTheExchange:
    async def test_azures_client_finds_its_way_in(self, azure: Azure) -> None:
        async with acr_client(azure, AnyToken()) as client:
            await client.upload_blob("shop/web", io.BytesIO(EMPTY))
            await client.set_manifest("shop/web", io.BytesIO(manifest()), tag="v2")

            assert (await client.get_tag_properties("shop/web", "v2")).name == "v2"
            assert [name async for name in client.list_repository_names()] == ["shop/web"]

    async def test_a_refresh_token_has_the_claims_of_azures(self, dev: Oci) -> None:
        payload = (await dev.refresh_token("me")).split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

        assert claims["iss"] == "Azure Container Registry"
        assert (claims["sub"], claims["aud"]) == ("me", dev.service)
        assert (claims["grant_type"], claims["version"]) == ("refresh_token", "1.0")
        assert claims["exp"] - claims["nbf"] == pytest.approx(3 * 3600, abs=1)

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"service": "other.example"}, 401),
            ({"service": ""}, 401),
            ({"access_token": ""}, 401),
            ({"access_token": unsigned_token(Principal("me"), "x", seconds=-1)}, 401),
            ({"grant_type": "authorization_code"}, 400),
        ],
    )
    async def test_is_refused(self, dev: Oci, changes: dict[str, str], status: int) -> None:
        answer = await exchange(dev, **changes)

        assert answer.status == status
        assert answer.code in ("UNAUTHORIZED", "UNSUPPORTED")

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            ({"service": "other.example"}, 401),
            ({"refresh_token": "made-up"}, 401),
            ({"refresh_token": ""}, 401),
            ({"grant_type": "password", "username": "dev", "password": "guessed"}, 401),
            ({"grant_type": "authorization_code"}, 400),
        ],
    )
    async def test_for_an_access_token_is_refused(
        self, dev: Oci, changes: dict[str, str], status: int
    ) -> None:
        form = {"grant_type": "refresh_token", "service": dev.service, "scope": PULL}

        answer = await dev.ask(
            "POST", "/oauth2/token", data=form | {"refresh_token": await dev.refresh_token("me")} | changes
        )

        assert answer.status == status

    async def test_docker_asks_by_get_with_the_refresh_token_as_password(self, dev: Oci) -> None:
        credentials = basic(NULL_USER, await dev.refresh_token("me"))

        answer = await dev.ask(
            "GET", f"/oauth2/token?service={dev.service}&scope={PULL}&scope={PULL}", headers=credentials
        )

        token = answer.json["access_token"]
        assert answer.json["token"] == token
        pulled = await dev.ask("GET", "manifests/v1", headers={"Authorization": f"Bearer {token}"})
        assert pulled.status == 200

    async def test_a_password_and_a_token_outlive_the_process(self, tmp_path: Path) -> None:
        keys = []
        for _ in range(2):
            async with Azure(registries=("dev",), data=tmp_path / "twice", auth=Auth.BASIC) as azure:
                keys.append((await list_credentials(azure, "dev")).json["passwords"])

        assert keys[0] == keys[1]


class TestScopes:
    @pytest.mark.parametrize(
        ("scope", "method", "path", "opens"),
        [
            (PULL, "GET", "manifests/v1", True),
            (PULL, "GET", "tags/list", True),
            (PULL, "POST", "blobs/uploads/", False),
            (PULL, "DELETE", "manifests/v1", False),
            (PULL, "GET", "/v2/shop/api/manifests/v1", False),
            (PULL, "GET", "/v2/_catalog", False),
            (PUSH, "POST", "blobs/uploads/", True),
            ("repository:shop/web:*", "DELETE", "manifests/v1", True),
            ("repository:shop/web:delete", "GET", "manifests/v1", False),
            ("repository:shop/web:metadata_read", "GET", "/acr/v1/shop/web", True),
            ("repository:shop/web:metadata_read", "PATCH", "/acr/v1/shop/web", False),
            ("registry:catalog:*", "GET", "/v2/_catalog", True),
            ("repository:shop/web", "GET", "manifests/v1", False),
            ("", "GET", "/v2/", True),
        ],
    )
    async def test_a_token_opens_what_it_names(
        self, dev: Oci, scope: str, method: str, path: str, *, opens: bool
    ) -> None:
        headers = await dev.sign_in("somebody", scope)

        answer = await dev.ask(method, path, headers=headers)

        assert (answer.status != 401) == opens
        if not opens:
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]

    async def test_several_scopes_in_one_token(self, dev: Oci) -> None:
        headers = await dev.sign_in("somebody", f"{PULL} registry:catalog:*", "repository:shop/api:pull")

        for path in ("manifests/v1", "/v2/_catalog", "/v2/shop/api/manifests/none"):
            assert (await dev.ask("GET", path, headers=headers)).status in (200, 404)

    @pytest.mark.parametrize("source", ["", "&from=shop/web"])
    async def test_a_blob_is_mounted_only_from_where_the_token_may_pull(self, dev: Oci, source: str) -> None:
        manifests = await dev.ask("GET", "manifests/v1", headers=await dev.sign_in("somebody", PULL))
        child = manifests.json["manifests"][0]["digest"]
        image = await dev.ask("GET", f"manifests/{child}", headers=await dev.sign_in("somebody", PULL))
        layer = image.json["layers"][0]["digest"]
        narrow = await dev.sign_in("somebody", "repository:shop/api:pull,push")
        wide = await dev.sign_in("somebody", "repository:shop/api:pull,push", PULL)

        path = f"/v2/shop/api/blobs/uploads/?mount={layer}{source}"
        assert (await dev.ask("POST", path, headers=narrow)).status == 202
        assert (await dev.ask("POST", path, headers=wide)).status == 201

    async def test_a_token_is_good_at_the_registry_that_issued_it(self, dev: Oci, prod: Oci) -> None:
        headers = await dev.sign_in("somebody", PULL)
        refresh = await dev.refresh_token("me")

        assert (await dev.ask("GET", "manifests/v1", headers=headers)).status == 200
        assert (await prod.ask("GET", "manifests/v1", headers=headers)).status == 401
        as_access = {"Authorization": f"Bearer {refresh}"}
        assert (await dev.ask("GET", "manifests/v1", headers=as_access)).status == 401


class TestExpiry:
    @pytest.mark.parametrize(("kind", "seconds"), list(LIFETIMES.items()))
    def test_a_token_is_good_for_its_time(self, kind: Kind, seconds: float) -> None:
        now = time.time()
        clock = [now]
        tokens = Tokens("dev.example", b"key", lambda: clock[0])
        token = tokens.issue(kind, Principal("me"), [Access("registry", "catalog", ["*"])])

        clock[0] = now + seconds - 1
        claims = tokens.read(token, kind)
        assert claims is not None
        assert (claims.sub, claims.access[0].name) == ("me", "catalog")

        clock[0] = now + seconds + 1
        assert tokens.read(token, kind) is None

    def test_a_token_of_another_use_key_or_registry_is_none(self) -> None:
        tokens = Tokens("dev.example", b"key")
        token = tokens.issue(Kind.REFRESH, Principal("me"))

        assert tokens.read(token, Kind.REFRESH)
        assert tokens.read(token, Kind.ACCESS) is None
        assert Tokens("dev.example", b"other").read(token, Kind.REFRESH) is None
        assert Tokens("prod.example", b"key").read(token, Kind.REFRESH) is None

    def test_a_principal_is_read_from_what_looks_like_entras_and_from_any_text(self) -> None:
        token = unsigned_token(Principal("1f0c"), "https://management.azure.com", seconds=60)

        assert principal_of(token) == Principal("1f0c")
        for text in ("promoter", "a.b.c", "a.!.c", "..", f"a.{base64.b64encode(b'[]').decode()}.c"):
            assert principal_of(text) == Principal(text)
        with pytest.raises(ExpiredTokenError):
            principal_of(unsigned_token(Principal("1f0c"), "x", seconds=-5))

    async def test_an_expired_entra_token_is_refused_by_resource_manager_too(self, azure: Azure) -> None:
        arm = Oci(azure.session, azure.arm_url)
        expired = unsigned_token(Principal("me"), "x", seconds=-5)

        answer = await arm.ask(
            "GET",
            f"{azure.registry('dev').resource_id}?api-version=1",
            headers={"Authorization": f"Bearer {expired}"},
        )

        assert (answer.status, answer.json["error"]["code"]) == (401, "ExpiredAuthenticationToken")


class TestTheAdminUser:
    @pytest.fixture
    async def passwords(self, azure: Azure) -> list[str]:
        azure.switch("dev", RegistrySwitches(Auth.BASIC))
        credentials = await list_credentials(azure, "dev")
        assert credentials.json["username"] == "dev"
        assert [one["name"] for one in credentials.json["passwords"]] == ["password", "password2"]
        return [one["value"] for one in credentials.json["passwords"]]

    async def test_is_let_in_with_either_password(self, dev: Oci, prod: Oci, passwords: list[str]) -> None:
        for password in passwords:
            assert (await dev.ask("GET", "manifests/v1", headers=basic("dev", password))).status == 200
            assert (await dev.ask("GET", "/v2/_catalog", headers=basic("Dev", password))).status == 200
            assert (await prod.ask("GET", "/v2/", headers=basic("dev", password))).status == 401
        assert (await dev.ask("GET", "/v2/", headers=basic("dev", "guessed"))).status == 401
        assert (await dev.ask("GET", "/v2/", headers=basic("other", passwords[0]))).status == 401

    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_gets_a_token_for_what_it_asks(self, dev: Oci, passwords: list[str], method: str) -> None:
        wanted = {"service": dev.service, "scope": PULL}
        if method == "GET":
            more: dict[str, Any] = {"params": wanted, "headers": basic("dev", passwords[0])}
        else:
            form = {"grant_type": "password", "username": "dev", "password": passwords[0]}
            more = {"data": wanted | form}

        token = (await dev.ask(method, "/oauth2/token", **more)).json["access_token"]

        headers = {"Authorization": f"Bearer {token}"}
        assert (await dev.ask("GET", "manifests/v1", headers=headers)).status == 200
        assert (await dev.ask("DELETE", "manifests/v1", headers=headers)).status == 401

    async def test_a_renewed_password_ends_the_old_one(
        self, azure: Azure, dev: Oci, passwords: list[str]
    ) -> None:
        renewed = await list_credentials(azure, "dev", "regenerateCredential", json={"name": "password2"})

        first, second = (one["value"] for one in renewed.json["passwords"])
        assert first == passwords[0]
        assert (await dev.ask("GET", "/v2/", headers=basic("dev", second))).status == 200
        assert (await dev.ask("GET", "/v2/", headers=basic("dev", passwords[1]))).status == 401

    async def test_has_no_password_while_it_is_disabled(
        self, azure: Azure, dev: Oci, passwords: list[str]
    ) -> None:
        azure.switch("dev", RegistrySwitches(Auth.TOKEN))

        answer = await list_credentials(azure, "dev")
        assert (await dev.ask("GET", "/v2/", headers=basic("dev", passwords[0]))).status == 401

        assert answer.status == 400
        assert answer.json["error"]["code"] == "UnAuthorizedForCredentialOperations"


async def list_credentials(azure: Azure, name: str, call: str = "listCredentials", **more: object) -> Answer:
    path = f"{azure.registry(name).resource_id}/{call}?api-version=1"
    headers = {"Authorization": "Bearer me"}
    return await Oci(azure.session, azure.arm_url).ask("POST", path, headers=headers, **more)


class TestAnonymousPull:
    @pytest.fixture(autouse=True)
    def switched(self, azure: Azure) -> None:
        azure.switch("dev", RegistrySwitches(Auth.ANONYMOUS_PULL))

    async def test_azures_anonymous_client_pulls_and_does_not_push(self, azure: Azure) -> None:
        async with acr_client(azure) as client:
            assert (await client.get_manifest("shop/web", "v1")).digest

            with pytest.raises(ClientAuthenticationError):
                await client.upload_blob("shop/web", io.BytesIO(EMPTY))

    async def test_wrong_credentials_are_not_made_anonymous(self, dev: Oci) -> None:
        path = f"/oauth2/token?service={dev.service}&scope={PULL}"

        assert (await dev.ask("GET", path)).status == 200
        assert (await dev.ask("GET", path, headers=basic("dev", "guessed"))).status == 401


class TestSwitching:
    async def test_each_registry_for_itself_by_http(self, azure: Azure, dev: Oci, prod: Oci) -> None:
        control = Oci(azure.session, azure.arm_url)

        answer = await control.ask("PUT", "/emulator/registries/Dev", json={"auth": "anonymous"})

        assert [(one["name"], one["auth"]) for one in answer.json["value"]] == [
            ("dev", "anonymous"),
            ("prod", "token"),
        ]
        assert (await dev.ask("GET", "manifests/v1")).status == 200
        assert (await prod.ask("GET", "manifests/v1")).status == 401

    @pytest.mark.parametrize(
        ("name", "switches"), [("none", {}), ("dev", {"auth": "open"}), ("dev", {"unknown": True})]
    )
    async def test_what_makes_no_sense_is_400(
        self, azure: Azure, dev: Oci, name: str, switches: dict[str, object]
    ) -> None:
        control = Oci(azure.session, azure.arm_url)

        answer = await control.ask("PUT", f"/emulator/registries/{name}", json=switches)

        assert (answer.status, answer.json["error"]["code"]) == (400, "BadRequest")
        assert (await dev.ask("GET", "manifests/v1")).status == 401
