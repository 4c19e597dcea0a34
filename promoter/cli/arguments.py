"""An argument that is one of a few words."""

from typing import override

import click


class NamedArgument(click.Argument):
    """An argument that errors call by its name, as `VERDICT`, and usage by its choices."""

    @override
    def get_error_hint(self, ctx: click.Context | None) -> str:
        """What an error calls it."""
        return f"'{(self.name or '').upper()}'"
