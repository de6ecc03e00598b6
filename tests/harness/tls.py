"""Makes a certificate for loopback."""

import subprocess
from pathlib import Path

from harness.programs import program
from outrigger_sidecar.http.serving import Certificate


def make_certificate(folder: Path) -> Certificate:
    """A certificate that signs itself, and its key, as files in `folder`."""
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    words += ["-out", str(made.chain), "-keyout", str(made.key)]
    subprocess.run([program("openssl"), *words], check=True, capture_output=True)
    return made
