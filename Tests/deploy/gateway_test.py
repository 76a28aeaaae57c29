#!/usr/bin/env python3
"""A gateway that remembers what introspection said: Apache with mod_auth_openidc, as Deploy/gateway-apache.conf has it.

    Tests/deploy/gateway_test.py --server .build/release/obie-tokens

How long does a token go on working there after it was revoked? As long as the file says; without that line as long as
introspection-exp-max says; and without that too, until the token expires. Ends with 1 where it is otherwise.
"""
import argparse
import http.client
import os
import sys
import time
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from harness import Client, Failure, Server, expect, sandbox, wait_until  # noqa: E402
from proxies import MODULES, Apache, Nginx  # noqa: E402

SETTING = "OIDCOAuthTokenIntrospectionInterval 60"
# In place of a minute.
SECONDS = 2


class Gateway(Apache):
    """Its upstream is the port of the proxy in front of the server."""
    name, file = "mod_auth_openidc", "Deploy/gateway-apache.conf"

    def prologue(self):
        os.makedirs(f"{self.folder}/www/open-banking")
        Path(f"{self.folder}/www/open-banking/accounts").write_text("an account\n", "ascii")
        modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in
                          ("mpm_event", "authn_core", "authz_core", "auth_openidc"))
        return (f"ServerRoot {self.folder}\nDefaultRuntimeDir {self.folder}\nPidFile {self.folder}/pid\nServerName localhost\n"
                f"ErrorLog /dev/stderr\n{modules}Listen 127.0.0.1:{self.port}\nDocumentRoot {self.folder}/www\n"
                "OIDCOAuthSSLValidateServer Off\n")  # the certificate of the proxy in front was made a moment ago

    def places(self):
        return {"https://tokens.example/": f"https://127.0.0.1:{self.upstream}/", "OIDCOAuthClientID PSDGB-FCA-111111":
                f"OIDCOAuthClientID {sandbox.CLIENT}", '"the secret that `fi add` printed"': sandbox.PASSWORD}

    def status(self, token):
        """What it answers to a provider that brings this token."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/open-banking/accounts", headers={"Authorization": f"Bearer {token}"})
            return connection.getresponse().status
        finally:
            connection.close()


def new_token(server):
    with Client(server.port) as client:
        code = sandbox.code_of(client.ask(sandbox.make_code()))
        return sandbox.token_of(client.ask(sandbox.exchange(code)))


def revoke(server, token):
    with Client(server.port) as client:
        expect(client.ask(sandbox.revoke(token)).status == 200, "the token is not revoked")


def check(program, interval, exp_max, ends):
    """A token that is revoked goes on working for SECONDS, or for longer, or not at all."""
    flags = ["--introspection-exp-max", exp_max] if exp_max else []
    changes = {SETTING: f"OIDCOAuthTokenIntrospectionInterval {interval}" if interval else ""}
    with Server(program, *flags) as server, Nginx(server.port) as proxy, Gateway(proxy.port, changes=changes) as gateway:
        token = new_token(server)
        expect(gateway.status("0" * 36) == 401, "the gateway lets in whoever comes")
        expect(gateway.status(token) == 200, f"the gateway refuses a token that is alive: {gateway.log()}")
        revoke(server, token)
        if ends == "at once":
            expect(gateway.status(token) == 401, "the gateway remembers a token though it is told to ask")
            return
        expect(gateway.status(token) == 200, "the gateway does not remember: then the pages say too much")
        if ends == "soon":
            wait_until(lambda: gateway.status(token) == 401, "a token works on though it was revoked", 4 * SECONDS)
        else:
            time.sleep(2 * SECONDS)
            expect(gateway.status(token) == 200, "the gateway asks again by itself: then the pages say too much")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    program = parser.parse_args().server
    try:
        check(program, None, None, "late")
        print("gateway test: by itself mod_auth_openidc lets a revoked token in for longer than the test waits", flush=True)
        check(program, SECONDS, None, "soon")
        check(program, -1, None, "at once")
        print(f"gateway test: with {SETTING.split()[0]} it asks again after that time, and with -1 each time", flush=True)
        check(program, None, SECONDS, "soon")
        print("gateway test: introspection-exp-max makes it ask again without any setting of its own")
    except (Failure, OSError) as failure:
        sys.exit(f"gateway test: {failure}")


if __name__ == "__main__":
    main()
