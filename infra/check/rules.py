"""What must hold of the Bicep files."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.check.known import FUNCTIONS, ROLES, TYPES
from infra.check.syntax import line_of, plain, properties, text_of
from infra.check.template import Problem, Template

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def problems(templates: Mapping[Path, Template]) -> Iterator[Problem]:
    """Every problem of a set of files, by their paths; modules are looked for among them."""
    for template in templates.values():
        yield from _syntax(template)
        yield from _names(template)
        yield from _types(template)
        yield from _roles(template)
        yield from _assignments(template)
        yield from _modules(template, templates)


def _syntax(template: Template) -> Iterator[Problem]:
    for line in template.syntax_errors:
        yield Problem(template.path, line, "is no Bicep")


def _names(template: Template) -> Iterator[Problem]:
    for use in template.names.unknown:
        yield Problem(template.path, use.line, f"{use.name} is not defined")
    for call in template.names.calls:
        if call.name not in FUNCTIONS:
            yield Problem(template.path, call.line, f"{call.name} is no function that is known here")
    used = {use.name for use in template.names.uses}
    for name, parameter in template.parameters.items():
        if name not in used:
            yield Problem(template.path, parameter.line, f"the parameter {name} is not used")
    for name, value in template.variables.items():
        if name not in used:
            yield Problem(template.path, line_of(value), f"the variable {name} is not used")


def _types(template: Template) -> Iterator[Problem]:
    for resource in template.resources:
        known = TYPES.get(resource.type)
        if known is None:
            text = f"{resource.type} is no resource type that is known here"
            yield Problem(template.path, resource.line, text)
        elif resource.version != known:
            text = f"{resource.type} is used in version {known}, not {resource.version}"
            yield Problem(template.path, resource.line, text)


def _roles(template: Template) -> Iterator[Problem]:
    """A role's id stands in a variable that says which role it is, and nowhere else."""
    ids = {name: value for name, value in template.variables.items() if _GUID.fullmatch(plain(value))}
    for name, value in ids.items():
        if name not in ROLES or ROLES[name].id != plain(value):
            yield Problem(template.path, line_of(value), f"{plain(value)} is not known as the role {name}")
    known = {plain(value) for value in ids.values()}
    for use in template.names.strings:
        if _GUID.search(use.name) and use.name not in known:
            yield Problem(template.path, use.line, f"{use.name} stands in no variable that says what it is")


def _assignments(template: Template) -> Iterator[Problem]:
    """A role is given on one resource, which the file names; never on all that is in a group."""
    symbols = {each.symbol for each in template.resources}
    for resource in template.resources:
        if resource.type == "Microsoft.Authorization/roleAssignments":
            scope = dict(properties(resource.body)).get("scope")
            if scope is None or text_of(scope).partition("::")[0] not in symbols:
                yield Problem(
                    template.path, resource.line, f"{resource.symbol} gives a role on no one resource"
                )


def _modules(template: Template, templates: Mapping[Path, Template]) -> Iterator[Problem]:
    targets: dict[str, Template] = {}
    for module in template.modules:
        target = templates.get((template.path.parent / module.file).resolve())
        if target is None:
            yield Problem(template.path, module.line, f"there is no {module.file}")
            continue
        targets[module.symbol] = target
        for name, line in module.parameters.items():
            if name not in target.parameters:
                yield Problem(template.path, line, f"{module.file} has no parameter {name}")
        for name, parameter in target.parameters.items():
            if parameter.required and name not in module.parameters:
                yield Problem(template.path, module.line, f"{module.file} needs the parameter {name}")
    for member in template.names.members:
        target = targets.get(member.symbol)
        if target is not None and member.kind == "outputs" and member.name not in target.outputs:
            yield Problem(template.path, member.line, f"{member.symbol} has no output {member.name}")
