"""What is done in the sessions of docs/emulator.md, client by client."""

from collections.abc import Iterator
from dataclasses import dataclass

REGISTRIES = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/promoter"
    "/providers/Microsoft.ContainerRegistry/registries"
)


@dataclass(frozen=True)
class Session:
    """What is done with one client.

    Attributes:
        name: The part of the page.
        commands: For bash, one a line; a backslash goes on. What begins with `#` is shown and not run.
        python: A program that is shown and run; with it there are no commands.
    """

    name: str
    commands: str = ""
    python: str = ""

    @property
    def lines(self) -> Iterator[str]:
        """The commands, one by one."""
        command: list[str] = []
        for line in self.commands.strip().splitlines():
            command.append(line)
            if not line.endswith("\\"):
                yield "\n".join(command)
                command.clear()


SESSIONS = [
    Session(
        "commands",
        """
python -m emulator push 127.0.0.1:5301/shop/web:v1
python -m emulator registries
# The next import into prod is throttled; of the others one in three fails.
python -m emulator fault add import.submit status --status 429 --registry prod --times 1
python -m emulator fault add import.run fail --registry prod --probability 0.33
python -m emulator fault clear --seed 7
# promoter may pull from dev, and nothing else.
python -m emulator roles set promoter AcrPull=dev
python -m emulator roles drop promoter
python -m emulator collect --spare-blobs 0
python -m emulator events
""",
    ),
    Session(
        "curl",
        """
# REGISTRIES=/subscriptions/.../registries, as the banner says
curl -si "http://127.0.0.1:5300$REGISTRIES/prod/importImage?api-version=2025-11-01" \\
  -H "Authorization: Bearer me" \\
  -d '{"source": {"resourceId": "'$REGISTRIES'/dev", "sourceImage": "shop/web:v1"}}'
sleep 1; curl -s http://127.0.0.1:5302/v2/shop/web/tags/list
curl -s "http://127.0.0.1:5300$REGISTRIES/prod/importImage?api-version=2025-11-01" \\
  -H "Authorization: Bearer me" -d '{}'
""",
    ),
    Session(
        "skopeo",
        """
skopeo list-tags --tls-verify=false docker://127.0.0.1:5301/shop/web
skopeo copy --quiet --all --preserve-digests --src-tls-verify=false --dest-tls-verify=false \\
  docker://127.0.0.1:5301/shop/web:v1 docker://127.0.0.1:5302/shop/web:v2
skopeo inspect --tls-verify=false docker://127.0.0.1:5302/shop/web:v2 --format '{{.Digest}}'
skopeo delete --tls-verify=false docker://127.0.0.1:5302/shop/web:v2
""",
    ),
    Session(
        "docker-registry",
        """
skopeo copy --quiet --all --preserve-digests --src-tls-verify=false --dest-tls-verify=false \\
  docker://127.0.0.1:5301/shop/web:v1 docker://$DOCKER_REGISTRY/library/web:v1
curl -s -o /dev/null -w "%{http_code}\\n" \\
  "http://127.0.0.1:5300$REGISTRIES/prod/importImage?api-version=2025-11-01" -H "Authorization: Bearer me" \\
  -d '{"source": {"registryUri": "'$DOCKER_REGISTRY'", "sourceImage": "library/web:v1"}}'
sleep 1; curl -s http://127.0.0.1:5302/v2/library/web/tags/list
""",
    ),
    Session(
        "oras",
        python="""\
from pathlib import Path

from oras.client import OrasClient

Path("note.txt").write_text("It passed.")
client = OrasClient(insecure=True)
client.push("127.0.0.1:5301/shop/notes:v1", files=["note.txt:text/plain"], quiet=True)
print(client.get_tags("127.0.0.1:5301/shop/notes"))
(pulled,) = client.pull("127.0.0.1:5301/shop/notes:v1", outdir="pulled")
print(Path(pulled).read_text())
""",
    ),
    Session(
        "azure-mgmt-containerregistry",
        python="""\
from azure.core.credentials import AccessToken, AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import AzureKeyCredentialPolicy
from azure.mgmt.containerregistry import ContainerRegistryManagementClient


class Nobody:  # The client wants a credential; over http, the policy below speaks for it.
    def get_token(self, *scopes, **more):
        return AccessToken("unused", 0)


client = ContainerRegistryManagementClient(
    Nobody(),
    "00000000-0000-0000-0000-000000000001",
    base_url="http://127.0.0.1:5300",
    authentication_policy=AzureKeyCredentialPolicy(
        AzureKeyCredential("me"), "Authorization", prefix="Bearer"
    ),
)
dev = client.registries.get("promoter", "dev")
print(dev.login_server, dev.provisioning_state)
source = {"resourceId": dev.id, "sourceImage": "shop/web:v1"}
wanted = {"source": source, "targetTags": ["shop/web:v3"]}
print(client.registries.begin_import_image("promoter", "prod", wanted).result())
try:
    client.registries.begin_import_image("promoter", "prod", wanted).result()
except HttpResponseError as error:
    print(error.status_code, error.error.message)
""",
    ),
    Session(
        "azure-containerregistry",
        python="""\
from azure.containerregistry import ContainerRegistryClient
from azure.core.pipeline.policies import SansIOHTTPPolicy


class OverHttp(SansIOHTTPPolicy):  # azure-core sends no token without TLS, unless it is told to
    def on_request(self, request):
        request.context.options["enforce_https"] = False


with ContainerRegistryClient(
    "http://127.0.0.1:5301",
    None,
    audience="https://containerregistry.azure.net",
    per_call_policies=[OverHttp()],
) as client:
    print(list(client.list_repository_names()))
    tag = client.get_tag_properties("shop/web", "v1")
    print(tag.name, tag.digest, tag.can_write)
    print(client.update_tag_properties("shop/web", "v1", can_write=False).can_write)
""",
    ),
]

AZ = Session(
    "az",
    """
python -m emulator push 127.0.0.1:5301/shop/web:v1
az cloud register --name emulator --endpoint-resource-manager https://127.0.0.1:5400
az cloud set --name emulator
az login --service-principal --tenant adfs --username promoter --password anything -o table
az acr list --query '[].{name: name, loginServer: loginServer}' -o table
az acr import --name prodacr --registry devacr --source shop/web:v1 --image shop/web:v4
az acr repository show-tags --name prodacr --repository shop/web -o tsv
az acr manifest list-metadata --registry prodacr --name shop/web --query '[?tags[0]].digest' -o tsv
az acr import --name prodacr --registry devacr --source shop/web:v1 --image shop/web:v4
# Without the importer's role on the source, as in Azure:
python -m emulator roles set promoter \\
  'Container Registry Data Importer and Data Reader=prodacr' Reader=devacr
az acr import --name prodacr --registry devacr --source shop/web:v1 --image shop/web:v5
""",
)
