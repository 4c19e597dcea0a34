"""A figure: samples of one number, what it is measured against, and what it must reach."""

import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from typing import Any

import msgspec

_FEW = 4


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One number, measured several times in one run.

    Attributes:
        name: Stable, for comparisons between runs.
        title: What it is, for people.
        against: What it is a ratio to, measured in the same run; empty where it is a number of its own.
        unit: Of the number; empty for ratios.
        samples: Every measurement.
        at_most: The goal, where less is better.
        at_least: The goal, where more is better.
        note: What a reader must know to read it rightly.
        detail: What else was seen, for docs and other programs.
    """

    name: str
    title: str
    samples: tuple[float, ...]
    against: str = ""
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""
    detail: dict[str, Any] = {}

    @property
    def median(self) -> float:
        """The middle one of the samples."""
        return statistics.median(self.samples)

    @property
    def spread(self) -> tuple[float, float]:
        """Between which two numbers the middle half of the samples lies; all of them where there are few."""
        if len(self.samples) < _FEW:
            return min(self.samples), max(self.samples)
        low, _, high = statistics.quantiles(self.samples, n=4, method="inclusive")
        return low, high

    @property
    def is_reached(self) -> bool | None:
        """Whether the median keeps to the goal; None where there is none."""
        if self.at_most is not None:
            return self.median <= self.at_most
        if self.at_least is not None:
            return self.median >= self.at_least
        return None

    @property
    def goal(self) -> str:
        """The goal as text."""
        if self.at_most is not None:
            return f"at most {number(self.at_most)}"
        return f"at least {number(self.at_least)}" if self.at_least is not None else ""


class Results(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One run on one machine.

    Attributes:
        counts: Executions, storage operations and the like, by scenario: exact, and the same on any machine.
    """

    at: datetime
    machine: str
    figures: tuple[Figure, ...]
    counts: dict[str, Any]

    def save(self, path: Path) -> None:
        """Write them to a file, with what follows from the samples beside them."""
        document = msgspec.to_builtins(self)
        for figure, shown in zip(self.figures, document["figures"], strict=True):
            low, high = figure.spread
            shown |= {"median": _rounded(figure.median), "spread": [_rounded(low), _rounded(high)]}
            shown["samples"] = [_rounded(sample) for sample in figure.samples]
        text = msgspec.json.format(msgspec.json.encode(document), indent=1).decode()
        path.write_text(text + "\n")


def load(path: Path) -> Results:
    """Read the results of an earlier run."""
    return decoded(path.read_bytes())


def decoded(text: bytes) -> Results:
    """Results as they were saved."""
    return msgspec.json.decode(text, type=Results)


def now() -> datetime:
    """The time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def machine() -> str:
    """What the figures were measured on, in a few words."""
    names = [line.partition(":")[2].strip() for line in _cpu_info() if line.startswith("model name")]
    cores = f"{cpu_count()} cores"
    return ", ".join(filter(None, [names[0] if names else platform.machine(), cores, _python()]))


def quantile(samples: Sequence[float], share: float) -> float:
    """The sample below which that share of them lies."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, round(share * len(ordered)))]


def number(value: float) -> str:
    """A number with three digits that count."""
    if value == 0 or abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def _cpu_info() -> list[str]:
    info = Path("/proc/cpuinfo")
    return info.read_text().splitlines() if info.exists() else []


def _python() -> str:
    return f"Python {platform.python_version()}"
