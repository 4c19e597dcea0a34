"""What `az` asks of a cloud before it asks for anything in it: where things are, and a token.

`az cloud register` reads `/metadata/endpoints`. `az login --tenant adfs` takes the AD FS way, which asks no
other host. Any password will do; the user name is the principal that the token names.
"""

from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web

from emulator.errors import ArmError
from emulator.identity.principal import Principal, unsigned_token

TENANT = "adfs"
_SECONDS = 3600
_ELSEWHERE = (  # what is not emulated; az only wants an address
    "gallery",
    "batch",
    "media",
    "graph",
    "graphAudience",
    "microsoftGraphResourceId",
    "sqlManagement",
    "vmImageAliasDoc",
    "activeDirectoryDataLake",
)


class Cloud:
    """The routes that `az` signs in by."""

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        return [
            web.get("/metadata/endpoints", self.endpoints),
            web.get("/adfs/.well-known/openid-configuration", self.openid),
            web.get("/adfs/{tenant}/v2.0/.well-known/openid-configuration", self.openid),
            web.post("/adfs/oauth2/token", self.token),
        ]

    async def endpoints(self, request: web.Request) -> web.Response:
        """Tell where things are (Azure Resource Manager: metadata endpoints)."""
        here = f"{request.scheme}://{request.host}"
        suffixes = {
            "acrLoginServer": "azurecr.localhost",
            "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.localhost",
            "azureDataLakeStoreFileSystem": "azuredatalakestore.localhost",
            "keyVaultDns": "vault.localhost",
            "sqlServerHostname": "database.localhost",
            "storage": "storage.localhost",
        }
        authentication = {
            "loginEndpoint": f"{here}/adfs",
            "audiences": [here],
            "tenant": TENANT,
            "identityProvider": "ADFS",
        }
        return web.json_response(
            {
                **dict.fromkeys(_ELSEWHERE, here),
                "name": "emulator",
                "portal": here,
                "resourceManager": here,
                "managementEndpoint": here,
                "authentication": authentication,
                "suffixes": suffixes,
            }
        )

    async def openid(self, request: web.Request) -> web.Response:
        """Tell where tokens are given out (OpenID Connect Discovery)."""
        here = f"{request.scheme}://{request.host}/adfs"
        return web.json_response(
            {
                "issuer": here,
                "authorization_endpoint": f"{here}/oauth2/authorize",
                "token_endpoint": f"{here}/oauth2/token",
                "device_authorization_endpoint": f"{here}/oauth2/devicecode",
                "jwks_uri": f"{here}/discovery/keys",
            }
        )

    async def token(self, request: web.Request) -> web.Response:
        """Give out a token for who says a name (RFC 6749: client credentials, resource owner password)."""
        form = await request.post()
        name = form.get("username") or form.get("client_id")
        if not isinstance(name, str):
            message = "client_id or username is missing"
            raise ArmError(HTTPStatus.BAD_REQUEST, "invalid_request", message)
        token = unsigned_token(Principal(name), f"{request.scheme}://{request.host}", _SECONDS)
        return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": _SECONDS})
