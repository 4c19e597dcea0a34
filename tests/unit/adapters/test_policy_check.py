"""Settings for a check at a desk: from a file, or made up."""

from pathlib import Path

import pytest

from promoter.adapters.policy_check import StandIns, check, read_settings
from promoter.domain.errors import SettingsError
from tests.unit.domain.strategies import registry_id

POLICY = """\
environments:
  - {name: dev, registry: "${DEV_ID}"}
  - name: prod
    registry: ${PROD_ID}
  - {name: hub, loginServer: "${HOST}.example", credentials: {password: "${PASSWORD}"}}
  - name: qa
    registry: /subscriptions/${S}/resourceGroups/${RG}/providers/Microsoft.ContainerRegistry/registries/${QA}
rules:
  - {name: one, from: dev, to: prod, repositories: ["*"], tags: ["*"]}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def test_without_settings_each_that_is_missing_is_told(path: Path) -> None:
    found = check(path, {}).problems
    assert [(each.line, each.text.rpartition(" the ")[2]) for each in found] == [
        (2, "setting 'DEV_ID' is not set"),
        (4, "setting 'PROD_ID' is not set"),
        (5, "setting 'HOST' is not set"),
        (5, "setting 'PASSWORD' is not set"),
        (7, "setting 'S' is not set"),
    ]


def test_made_up_settings_fit_their_places_and_are_each_something_else(path: Path) -> None:
    checked = check(path, StandIns({"PROD_ID": registry_id("prod"), "RG": ""}, path))
    assert checked.problems == ()
    assert checked.policy is not None
    registries = [each.registry for each in checked.policy.environments]
    assert registries[1] == registry_id("prod")
    assert len(set(registries)) == 4


def test_a_file_that_is_not_there_is_told_whatever_the_settings(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    [problem] = check(missing, StandIns({}, missing)).problems
    assert str(problem) == f"{missing}: No such file or directory"


def test_settings_are_read_as_the_functions_host_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    path.write_text('{"IsEncrypted": false, "Values": {"A": "1"}, "Host": {"CORS": "*"}}')
    assert read_settings(path) == {"A": "1"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"IsEncrypted": true, "Values": {}}', "is encrypted; decrypt it first"),
        ("{", "Input data was truncated"),
        ('{"Values": {"A": 1}}', "Expected `str`, got `int`"),
        ("\xff", "JSON is malformed"),
        (None, "No such file"),
    ],
)
def test_settings_that_cannot_be_read_say_why(tmp_path: Path, content: str | None, why: str) -> None:
    path = tmp_path / "local.settings.json"
    if content is not None:
        path.write_text(content, encoding="latin-1")
    with pytest.raises(SettingsError, match=why):
        read_settings(path)
