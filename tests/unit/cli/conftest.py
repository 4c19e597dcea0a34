"""The command line against a fake API: what it prints, what it asks, and how it ends."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from promoter.cli.main import run
from promoter.cli.session import Surroundings
from tests.fakes.api import FakeApi
from tests.unit.cli.samples import NOW


@dataclass
class Ended:
    """How a command has ended, and what it has printed."""

    code: int
    out: str
    err: str


@dataclass
class Desk:
    """Somebody at a terminal, or a pipeline's step.

    Attributes:
        answers: What is typed at each question; without any, nobody is there.
        pauses: The pauses that were made, in seconds.
    """

    api: FakeApi
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    pauses: list[float] = field(default_factory=list)
    around: Surroundings = field(init=False)

    def __post_init__(self) -> None:
        self.around = Surroundings(now=lambda: NOW, pause=self.pauses.append, somebody_is_there=lambda: False)

    def types(self, *answers: str) -> None:
        """Somebody is there, and answers each question."""
        self.around = replace(self.around, somebody_is_there=lambda: True)
        self.patch.setattr("sys.stdin", io.StringIO("".join(f"{each}\n" for each in answers)))

    def run(self, *arguments: str, url: str | None = None) -> Ended:
        """Run a command on the fake API."""
        code = run([*arguments, "--url", url or self.api.url], self.around)
        said = self.capture.readouterr()
        return Ended(code, said.out, said.err)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROMOTER_URL", "PROMOTER_KEY", "PROMOTER_SCOPE", "PROMOTER_AS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with FakeApi() as made:
        yield made


@pytest.fixture
def desk(api: FakeApi, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(api, capsys, monkeypatch)
