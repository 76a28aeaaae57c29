"""Clients with each kind of key, also where OpenSSL is set up with more than it comes with."""
from authority import P256
from bench import GRANT
from harness import expect

CURVE = "ec_paramgen_curve:"
KINDS = {"P-256": P256, **{curve: ("-algorithm", "EC", "-pkeyopt", CURVE + curve) for curve in ("P-384", "P-521")},
         "RSA": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
         "RSA-PSS": ("-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
         "Ed25519": ("-algorithm", "ED25519"), "Ed448": ("-algorithm", "ED448")}
MORE_PROVIDERS = """openssl_conf = all
[all]
providers = those
[those]
default = on
legacy = on
[on]
activate = 1
"""


def check_kinds_of_keys(bench):
    """Each is taken, by a server as it comes and by one whose OpenSSL has another provider besides."""
    settings = bench.folder / "openssl.cnf"
    settings.write_text(MORE_PROVIDERS, encoding="ascii")
    clients = {kind: bench.authority.issue(f"bank-{kind}", kind=made) for kind, made in KINDS.items()}
    for env in (None, {"OPENSSL_CONF": str(settings)}):
        with bench.server("--tls-client-ca", bench.authority.certificate, "--tls-client-auth", "required", env=env) as server:
            for kind, client in clients.items():
                with bench.wire(server, client) as wire:
                    wire.handshake()
                    expect(wire.ask(GRANT).status == 201, f"a client with a key of {kind} is refused")
    return f"{len(clients)} kinds, with OpenSSL's default provider and with another beside it"
