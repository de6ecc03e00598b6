"""The entry of `outrigger` and of `python -m outrigger_server`."""

import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command; a Ctrl-C before it listens for one ends it without a traceback."""
    try:
        from outrigger_server.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
