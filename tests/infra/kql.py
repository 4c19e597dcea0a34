"""As much of the Kusto query language as infra/queries is written in: to run queries, not only to read them.

A table is a list of rows, a row a dict. What is not known here is an error: then it is to be looked up at
learn.microsoft.com/kusto/query and added, not guessed. Comparing with nothing is false, as there.
"""

import json
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

type Value = Any
type Row = dict[str, Value]
type Table = list[Row]
type Expression = Callable[[Row], Value]

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>@?'[^']*')|(?P<span>\d+[dhm]\b)|(?P<number>\d+(?:\.\d+)?(?!\.\d))"""
    r"""|(?P<word>mv-expand|!between|[A-Za-z_]\w*)|(?P<sign>==|!=|<=|>=|\.\.|[<>=|;,.()\[\]*/+-]))"""
)
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_COMPARED: dict[str, Callable[[Value, Value], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "contains": lambda text, part: part.lower() in text.lower(),
}
_CALCULATED: dict[str, Callable[[Value, Value], Value]] = {"*": operator.mul, "/": operator.truediv}
_CALCULATED |= {"+": operator.add, "-": operator.sub}


def run(query: str, tables: Mapping[str, Table], now: datetime) -> Table:
    """What a query finds in tables, at a time."""
    lines = "\n".join(line for line in query.splitlines() if not line.startswith("//"))
    return _Query(list(_tokens(lines)), dict(tables), now).run()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        assert found, f"what is this: {text[at : at + 40]!r}"
        at = found.end()
        yield str(found.lastgroup), found[str(found.lastgroup)]


def _text(value: Value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _number(value: Value, kind: type) -> Value:
    try:
        return kind(value)
    except (TypeError, ValueError):
        return None


def _parsed(text: Value) -> Value:
    return json.loads(text) if text else None


def _bin(value: datetime, span: timedelta) -> datetime:
    start = datetime(1, 1, 1, tzinfo=UTC)
    return start + (value - start) // span * span


def _extract(pattern: str, group: int, text: str) -> str:
    found = re.search(pattern, text)
    return found[group] if found else ""


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "array_length": lambda value: len(value) if isinstance(value, list) else None,
    "bin": _bin,
    "coalesce": lambda *values: next((each for each in values if each not in {None, ""}), ""),
    "dynamic": lambda value: value,
    "extract": _extract,
    "parse_json": _parsed,
    "strcat": lambda *values: "".join(map(_text, values)),
    "substring": lambda text, start, length: text[start : start + length],
    "todouble": lambda value: _number(value, float),
    "toint": lambda value: _number(value, int),
    "tostring": _text,
}
_AGGREGATES: dict[str, Callable[..., Value]] = {
    "count": len,
    "sum": lambda rows, each: sum(map(each, rows)),
    "max": lambda rows, each: max(map(each, rows)),
    "percentile": lambda rows, each, share: sorted(map(each, rows))[
        max(math.ceil(share(rows[0]) / 100 * len(rows)) - 1, 0)
    ],
}


class _Query:
    def __init__(self, tokens: list[tuple[str, str]], tables: dict[str, Table], now: datetime) -> None:
        self._tokens, self._at, self._tables, self._now = tokens, 0, tables, now
        self._values: Row = {}

    def run(self) -> Table:
        while self._takes("let"):
            name = self._word()
            self._expect("=")
            if self._peek()[1] in self._tables:
                self._tables[name] = self._table()
            else:
                self._values[name] = self._expression()({})
            self._expect(";")
        found = self._table()
        assert self._at == len(self._tokens), f"what is this: {self._peek()}"
        return found

    # Tables.

    def _table(self) -> Table:
        rows = [dict(row) for row in self._tables[self._word()]]
        while self._takes("|"):
            verb = self._word()
            rows = getattr(self, f"_do_{verb.replace('-', '_')}")(rows)
        return rows

    def _do_where(self, rows: Table) -> Table:
        holds = self._expression()
        return [row for row in rows if holds(row)]

    def _do_extend(self, rows: Table) -> Table:
        named = self._named()
        return [row | {name: each(row) for name, each in named} for row in rows]

    def _do_project(self, rows: Table) -> Table:
        named = self._named()
        return [{name: each(row) for name, each in named} for row in rows]

    def _do_order(self, rows: Table) -> Table:
        self._expect("by")
        by = self._expression()
        return sorted(rows, key=by, reverse=self._word() == "desc")

    def _do_mv_expand(self, rows: Table) -> Table:
        [(name, values)] = self._named()
        for word in ("to", "typeof", "(", "string", ")"):
            self._expect(word)
        return [row | {name: _text(value)} for row in rows for value in values(row)]

    def _do_join(self, rows: Table) -> Table:
        self._expect("kind")
        self._expect("=")
        kind = self._word()
        if self._takes("("):
            others = self._table()
            self._expect(")")
        else:
            others = self._tables[self._word()]
        self._expect("on")
        key = self._word()
        assert all(key in row for row in [*rows, *others])
        found = {row[key]: row for row in others}
        if kind == "leftanti":
            return [row for row in rows if row[key] not in found]
        assert kind == "leftouter"
        nothing = dict.fromkeys(name for row in others for name in row)
        return [{**nothing, **found.get(row[key], {}), **row} for row in rows]

    def _do_summarize(self, rows: Table) -> Table:
        wanted: list[tuple[str, Callable[[Table], Row]]] = []
        while self._peek()[1] != "by" and (not wanted or self._takes(",")):
            wanted.append(("", self._aggregate()))
            if self._at == len(self._tokens) or self._peek()[1] in {"|", ")"}:
                break
        by = self._named() if self._takes("by") else []
        if not by:
            return [{name: value for _, each in wanted for name, value in each(rows).items()}]
        keyed = [({name: each(row) for name, each in by}, row) for row in rows]
        made = []
        for _, same in groupby(sorted(keyed, key=lambda pair: str(pair[0])), lambda pair: str(pair[0])):
            group = list(same)
            row = dict(group[0][0])
            for _, each in wanted:
                row |= each([row for _, row in group])
            made.append(row)
        return made

    def _aggregate(self) -> Callable[[Table], Row]:
        name = self._word()
        if self._takes("="):
            function = self._word()
        else:
            name, function = "", name
        self._expect("(")
        if function == "arg_max":
            by, expression = self._name_and_expression()
            self._expect(",")
            kept = [(by, expression), *self._named()]
            self._expect(")")
            return lambda rows: {each: value(max(rows, key=expression)) for each, value in kept}
        arguments = [] if self._peek()[1] == ")" else [self._expression()]
        while self._takes(","):
            arguments.append(self._expression())
        self._expect(")")
        return lambda rows: {name: _AGGREGATES[function](rows, *arguments)}

    # Expressions.

    def _named(self) -> list[tuple[str, Expression]]:
        found = [self._name_and_expression()]
        while self._takes(","):
            found.append(self._name_and_expression())
        return found

    def _name_and_expression(self) -> tuple[str, Expression]:
        if self._tokens[self._at + 1 : self._at + 2] == [("sign", "=")]:
            name = self._word()
            self._expect("=")
            return name, self._expression()
        names = [text for kind, text in self._tokens[self._at : self._at + 3] if kind == "word"]
        return names[-1] if names[0] == "bin" else names[0], self._expression()

    def _expression(self) -> Expression:
        left = self._sum()
        sign = self._peek()[1] if self._at < len(self._tokens) else ""
        if sign in _COMPARED:
            self._at += 1
            compare, right = _COMPARED[sign], self._sum()
            return lambda row: None not in (pair := (left(row), right(row))) and compare(*pair)
        if sign == "in":
            self._at += 1
            values = self._arguments()
            return lambda row: left(row) in [each(row) for each in values]
        if sign == "!between":
            self._at += 1
            self._expect("(")
            low = self._sum()
            self._expect("..")
            high = self._sum()
            self._expect(")")
            return lambda row: (value := left(row)) is not None and not low(row) <= value <= high(row)
        return left

    def _sum(self) -> Expression:
        left = self._part()
        while self._at < len(self._tokens) and self._peek()[1] in _CALCULATED:
            calculate = _CALCULATED[self._next()[1]]
            left = self._calculated(calculate, left, self._part())
        return left

    @staticmethod
    def _calculated(
        calculate: Callable[[Value, Value], Value], left: Expression, right: Expression
    ) -> Expression:
        return lambda row: calculate(left(row), right(row))

    def _part(self) -> Expression:
        kind, text = self._next()
        if kind == "text":
            return lambda _: text.removeprefix("@").strip("'")
        if kind == "number":
            return lambda _: float(text) if "." in text else int(text)
        if kind == "span":
            return lambda _: timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
        if text == "[":
            self._at -= 1
            values = self._arguments("[", "]")
            return lambda row: [each(row) for each in values]
        assert kind == "word", f"what is this: {text}"
        if self._at < len(self._tokens) and self._peek()[1] == "(":
            return self._call(text, self._arguments())
        return self._member(text) if self._takes(".") else self._column(text)

    def _call(self, function: str, arguments: list[Expression]) -> Expression:
        if function == "ago":
            return lambda row: self._now - arguments[0](row)
        if function == "iff":
            return lambda row: arguments[1 if arguments[0](row) else 2](row)
        return lambda row: _FUNCTIONS[function](*(each(row) for each in arguments))

    def _member(self, column: str) -> Expression:
        name = self._word()
        return lambda row: (row[column] or {}).get(name)

    def _column(self, name: str) -> Expression:
        if name in {"true", "false"}:
            return lambda _: name == "true"
        return lambda row: row[name] if name in row else self._values[name]

    def _arguments(self, start: str = "(", end: str = ")") -> list[Expression]:
        self._expect(start)
        found: list[Expression] = []
        while not self._takes(end):
            found.append(self._expression())
            self._takes(",")
        return found

    # Tokens.

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        found = self._peek()
        self._at += 1
        return found

    def _takes(self, text: str) -> bool:
        if self._peek()[1] == text and self._peek()[0] != "text":
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        assert self._takes(text), f"{text} was expected, and there is {self._peek()}"

    def _word(self) -> str:
        kind, text = self._next()
        assert kind == "word", f"a name was expected, and there is {text}"
        return text
