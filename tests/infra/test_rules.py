"""The checks of the Bicep files: what they find in bad ones, and that ours have nothing to be found."""

import json
from pathlib import Path

import pytest

from infra.check.__main__ import INFRA, read_all
from infra.check.properties import property_problems
from infra.check.rules import problems
from infra.check.scan import scan_problems
from infra.check.template import Template

GOOD = """
param location string
param name string = 'x'

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location

  resource blobs 'blobServices' existing = {
    name: 'default'
  }
}

output id string = account::blobs.id
"""
CALLER = """
param location string
param names array

module first 'good.bicep' = {
  name: 'first'
  params: { location: location }
}

module others 'good.bicep' = [for (name, i) in names: if (i > 0) {
  name: 'other-${name}'
  params: { location: location, name: '${name}${i}' }
}]

output id string = first.outputs.id
output other string = others[0].outputs.id
"""


def found(folder: Path, **texts: str) -> list[str]:
    """What is found in files of these names and texts, beside good.bicep."""
    for name, text in {"good": GOOD, **texts}.items():
        (folder / f"{name}.bicep").write_text(text)
    return [f"{each.path.name}:{each.line}: {each.text}" for each in problems(read_all(folder))]


def test_ours_are_in_order() -> None:
    templates = read_all(INFRA)
    assert {"main.bicep", "events.bicep", "function.bicep"} <= {path.name for path in templates}
    assert [str(each) for each in problems(templates)] == []


def test_good_files_have_no_problem(tmp_path: Path) -> None:
    assert found(tmp_path, caller=CALLER) == []


@pytest.mark.parametrize(
    ("bad", "good", "problem"),
    [
        ("name: nmae", "name: name", "good.bicep:6: nmae is not defined"),
        ("name: 'a-${nmae}'", "name: name", "good.bicep:6: nmae is not defined"),
        ("name: toLowre(name)", "name: name", "good.bicep:6: toLowre is no function that is known here"),
        ("param more int\n\nresource", "\nresource", "good.bicep:4: the parameter more is not used"),
        ("var more = 1\n\nresource", "\nresource", "good.bicep:4: the variable more is not used"),
        (
            "storageAccount@",
            "storageAccounts@",
            "good.bicep:5: Microsoft.Storage/storageAccount is no resource",
        ),
        ("@2023-01-01", "@2024-01-01", "is used in version 2024-01-01, not 2023-01-01"),
        ("'blobService'", "'blobServices'", "Microsoft.Storage/storageAccounts/blobService is no resource"),
        ("name: }", "name: name", "good.bicep:6: is no Bicep"),
    ],
)
def test_a_mistake_in_a_file_is_found(tmp_path: Path, bad: str, good: str, problem: str) -> None:
    assert good in GOOD
    assert any(problem in each for each in found(tmp_path, good=GOOD.replace(good, bad, 1)))


@pytest.mark.parametrize(
    ("bad", "good", "problem"),
    [
        ("'god.bicep'", "'good.bicep'", "caller.bicep:5: there is no god.bicep"),
        ("{ }", "{ location: location }", "caller.bicep:5: good.bicep needs the parameter location"),
        ("{ location: location, x: 1 }", "{ location: location }", "good.bicep has no parameter x"),
        ("first.outputs.url", "first.outputs.id", "caller.bicep:15: first has no output url"),
        ("others[0].outputs.url", "others[0].outputs.id", "caller.bicep:16: others has no output url"),
        ("'${nam}${i}'", "'${name}${i}'", "caller.bicep:12: nam is not defined"),
    ],
)
def test_a_mistake_about_a_module_is_found(tmp_path: Path, bad: str, good: str, problem: str) -> None:
    assert good in CALLER
    assert any(problem in each for each in found(tmp_path, caller=CALLER.replace(good, bad, 1)))


@pytest.mark.parametrize(
    "role",
    [
        "var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955c'\noutput x string = blobDataOwner",
        "var owner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'\noutput x string = owner",
        "output x string = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'",
    ],
)
def test_a_role_that_is_not_known_by_its_name_is_found(tmp_path: Path, role: str) -> None:
    assert len(found(tmp_path, role=f"{role}\n")) == 1


ASSIGNMENT = """
resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: 'x'
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id)
  scope: account
}
"""


@pytest.mark.parametrize("scope", ["", "  scope: resourceGroup()\n", "  scope: subscription()\n"])
def test_a_role_on_more_than_one_resource_is_found(tmp_path: Path, scope: str) -> None:
    assert found(tmp_path, role=ASSIGNMENT) == []
    wide = ASSIGNMENT.replace("  scope: account\n", scope)
    assert wide != ASSIGNMENT
    assert found(tmp_path, role=wide) == ["role.bicep:6: role gives a role on no one resource"]


def reference(number: int) -> dict[str, str]:
    return {"$ref": f"#/{number}"}


def a_property(number: int, flags: int = 0) -> dict[str, object]:
    return {"type": reference(number), "flags": flags}


DEFINITIONS = [
    {"$type": "StringType"},
    {"$type": "StringLiteralType", "value": "Hot"},
    {"$type": "UnionType", "elements": [reference(1)]},
    {
        "$type": "ObjectType",
        "properties": {
            "name": a_property(0, 1),
            "location": a_property(0, 1),
            "id": a_property(0, 2),
            "accessTier": a_property(2),
            "tags": a_property(5),
            "rules": a_property(6),
        },
    },
    {
        "$type": "ResourceType",
        "name": "Microsoft.Storage/storageAccounts@2024-01-01",
        "body": reference(3),
    },
    {"$type": "ObjectType", "properties": {}, "additionalProperties": reference(0)},
    {"$type": "ArrayType", "itemType": reference(7)},
    {
        "$type": "DiscriminatedObjectType",
        "discriminator": "kind",
        "baseProperties": {"kind": a_property(0, 1)},
        "elements": {"a": reference(8)},
    },
    {"$type": "ObjectType", "properties": {"x": a_property(0, 1)}},
]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("name: 'n'\n  location: 'l'\n  accessTier: 'Hot'\n  tags: { any: 'thing' }", []),
        (
            "name: 'n'\n  location: 'l'\n  accessTeir: 'Hot'",
            ["accessTeir is no property here; accessTier is"],
        ),
        ("name: 'n'", ["location is missing"]),
        ("name: 'n'\n  location: 1", ["1 is no StringType"]),
        ("name: 'n'\n  location: 'l'\n  accessTier: true ? 'Hot' : 'Cold'", ["Cold is no UnionType"]),
        ("name: 'n'\n  location: 'l'\n  id: 'i'", ["id is not to be written"]),
        ("name: 'n'\n  location: 'l'\n  rules: [{ kind: 'a', x: 'y' }]", []),
        ("name: 'n'\n  location: 'l'\n  rules: [{ kind: 'a' }]", ["x is missing"]),
        ("name: 'n'\n  location: 'l'\n  rules: [{ kind: 'b' }]", ["kind is no property here"]),
    ],
)
def test_properties_are_checked_by_azures_own_definitions(
    tmp_path: Path, properties: str, expected: list[str]
) -> None:
    folder = tmp_path / "generated" / "storage" / "microsoft.storage" / "2024-01-01"
    folder.mkdir(parents=True)
    (folder / "types.json").write_text(json.dumps(DEFINITIONS))
    path = tmp_path / "a.bicep"
    path.write_text(f"resource a 'Microsoft.Storage/storageAccounts@2024-01-01' = {{\n  {properties}\n}}\n")
    template = Template.read(path)
    texts = [
        each.text.removeprefix("Microsoft.Storage/storageAccounts: ")
        for each in property_problems(template, tmp_path)
    ]
    assert texts == expected
    assert [each.text for each in property_problems(template, tmp_path / "nothing")] == [
        "Microsoft.Storage/storageAccounts@2024-01-01 does not exist"
    ]


def report(**changes: object) -> dict[str, object]:
    results = {"failed_checks": [], "skipped_checks": [], "parsing_errors": []} | changes
    return {"summary": {"resource_count": 3}, "results": results}


def check(**changes: object) -> dict[str, object]:
    made = {"check_id": "CKV_1", "check_name": "Be good", "repo_file_path": "/infra/a.bicep"}
    return made | {"file_line_range": [7, 9], "check_result": {"suppress_comment": " x"}} | changes


def test_what_the_scanner_leaves_open_is_a_problem() -> None:
    assert list(scan_problems(report())) == []
    assert list(scan_problems({"passed": 0})) == ["checkov has seen no resource"]
    assert list(scan_problems(report(parsing_errors=["a.bicep"]))) == ["a.bicep: checkov cannot read it"]
    assert list(scan_problems(report(failed_checks=[check()]))) == ["infra/a.bicep:7: CKV_1: Be good"]
    assert list(scan_problems(report(skipped_checks=[check()]))) == [
        "infra/a.bicep:7: CKV_1 is skipped without a reason"
    ]
    reasoned = check(check_result={"suppress_comment": " nobody comes in from there"})
    assert list(scan_problems(report(skipped_checks=[reasoned]))) == []
