"""`python -m outrigger_sidecar`."""

from outrigger_sidecar.cli import main

main()
