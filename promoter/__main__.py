"""`promoter`, or `python -m promoter`: the command line."""

import sys


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    try:
        from promoter.cli.main import run  # noqa: PLC0415 - Ctrl-C ends it quietly from here on

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
