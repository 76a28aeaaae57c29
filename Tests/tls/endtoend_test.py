#!/usr/bin/env python3
"""The end-to-end suite with its servers and its client on TLS: certificates of a CA that is made for the run.

    Tests/tls/endtoend_test.py [--filter NAME ...] [--skip-build] [--version 1.2]

The client is libssl's own. What is left out stands below, with the reason.
"""
import signal
import sys
import tempfile
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import suite  # noqa: E402
from authority import Authority  # noqa: E402
from checks import Failure  # noqa: E402

# By the name of a suite, or of a suite and a test.
LEFT_OUT = {
    "a PROXY header, which stands in front of TLS; tls_test.py has that": [
        "ProxyTests/proxyProtocolSaysWhoAsks", "ProxyTests/proxyProtocolIsForTrustedProxiesOnly"],
}


def main():
    parser = suite.parser(__doc__)
    parser.add_argument("--version", choices=["1.2", "1.3"], default="1.3", help="of TLS, that the client speaks")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with tempfile.TemporaryDirectory(prefix="obie-tokens-tls-") as folder:
            authority = Authority(f"{folder}/ca")
            authority.issue("server", "serverAuth")
            # curl finds the CA by its own variable.
            environment = {"OBIE_TEST_TLS": str(authority.folder), "OBIE_TEST_TLS_VERSION": options.version,
                           "CURL_CA_BUNDLE": str(authority.certificate)}
            return suite.run(f"end to end on TLS {options.version}", LEFT_OUT, environment, options)
    except (Failure, OSError) as failure:
        print(f"end to end on TLS: FAILED {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
