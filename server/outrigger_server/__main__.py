"""`python -m outrigger_server`."""

from outrigger_server.cli import main

main()
