"""The scenario file: YAML in, a Scenario out, or every problem in it with its place."""

from pathlib import Path

from promoter.adapters.policy_check import Problem, problems_of
from promoter.adapters.yaml_file import Shape, YamlError, YamlFile
from promoter.domain.codec import convert
from promoter.simulation.scenario import Scenario


class ScenarioError(ValueError):
    """A scenario that cannot be run.

    Attributes:
        problems: Every problem found.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario file.

    Raises:
        ScenarioError: With every problem found.
    """
    try:
        file = YamlFile(path)
    except YamlError as error:
        raise ScenarioError((Problem(str(path), str(error), *(error.place or (None, None))),)) from error
    shape = Shape("scenario")
    mended = shape.check(file.value, Scenario)
    if shape.problems:
        raise ScenarioError(problems_of(path, file, shape.problems))
    return convert(mended, Scenario)
