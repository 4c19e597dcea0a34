"""The hook that looks at the registries' ids."""

import subprocess

import pytest

from infra.check.__main__ import INFRA
from tests.infra.test_agreement import registries

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/shop-dev"
ID = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/devacr"
NAMES = list(registries("main.parameters.json"))


def run(**ids: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script
        ["/bin/sh", INFRA / "registries.sh"],
        env={"PATH": "/usr/bin:/bin"} | dict.fromkeys(NAMES, ID) | ids,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_registries_that_are_named_are_passed_over_in_silence() -> None:
    done = run(DEV_REGISTRY_ID=ID.lower())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("id_", ["", "devacr", GROUP, f"{ID}/", f"{ID}\r", f"{ID}/replications/x", f"x{ID}"])
@pytest.mark.parametrize("name", NAMES)
def test_one_that_is_none_is_named_with_what_to_do(name: str, id_: str) -> None:
    done = run(**{name: id_})
    assert done.returncode == 1
    assert f'azd env set {name} "$(az acr show' in done.stderr
    assert done.stderr.count("azd env set") == 1
