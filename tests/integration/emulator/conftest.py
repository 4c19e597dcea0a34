from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from azure.mgmt.containerregistry.aio import ContainerRegistryManagementClient

from emulator.testing import Azure
from tests.integration.emulator.docker_registry import docker_registry
from tests.integration.emulator.support import Oci, Webhook, arm_client, serving


@pytest.fixture
async def azure(tmp_path: Path) -> AsyncIterator[Azure]:
    async with Azure(registries=("dev", "prod"), data=tmp_path) as azure:
        yield azure


@pytest.fixture
def dev(azure: Azure) -> Oci:
    """The repository shop/web of the registry dev."""
    return Oci(azure.session, azure.registry("dev").url)


@pytest.fixture
def prod(azure: Azure) -> Oci:
    """The repository shop/web of the registry prod."""
    return Oci(azure.session, azure.registry("prod").url)


@pytest.fixture
async def arm(azure: Azure) -> AsyncIterator[ContainerRegistryManagementClient]:
    async with arm_client(azure, retry_total=0) as client:
        yield client


@pytest.fixture(scope="session")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Debian's docker-registry serves."""
    with docker_registry(tmp_path_factory.mktemp("docker-registry")) as address:
        yield address


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    async with serving(Webhook()) as webhook:
        yield webhook
