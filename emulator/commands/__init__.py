"""The commands of `python -m emulator`: one module each, with `add` for its arguments and what it does."""

import argparse

# The standard library has no public name for what `add_subparsers` gives.
type Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001
