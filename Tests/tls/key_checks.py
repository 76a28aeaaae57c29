"""Clients with each kind of key, also where OpenSSL is set up with more than it comes with, with stricter rules, or with less."""
import ssl

from authority import P256
from bench import GRANT, counted
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


STRICTER = """openssl_conf = all
[all]
ssl_conf = those
[those]
system_default = rules
[rules]
CipherString = DEFAULT@SECLEVEL=3
MinProtocol = TLSv1.3
"""
NONE_LEFT = {"provider": "openssl_conf = a\n[a]\nproviders = b\n[b]\nlegacy = c\n[c]\nactivate = 1\n",
             "FIPS": "openssl_conf = a\n[a]\nalg_section = b\n[b]\ndefault_properties = fips=yes\n",
             "random numbers": "openssl_conf = a\n[a]\nrandom = b\n[b]\nrandom = HASH-DRBG\n"}


def configured(bench, text):
    """The environment of a program whose OpenSSL is set up like this."""
    settings = bench.folder / "openssl.cnf"
    settings.write_text(text, encoding="ascii")
    return {"OPENSSL_CONF": str(settings)}


def answer(bench, server, client, **options):
    """The status, or what the alert says."""
    try:
        with bench.wire(server, client, **options) as wire:
            wire.handshake()
            return wire.ask(GRANT).status
    except ssl.SSLError as refusal:
        return refusal.reason


def check_kinds_of_keys(bench):
    """Each is taken, by a server as it comes and by one whose OpenSSL has another provider besides."""
    clients = {kind: bench.authority.issue(f"bank-{kind}", kind=made) for kind, made in KINDS.items()}
    flags = "--tls-client-ca", bench.authority.certificate, "--tls-client-auth", "required"
    for env in (None, configured(bench, MORE_PROVIDERS)):
        with bench.server(*flags, env=env) as server:
            for kind, client in clients.items():
                expect(answer(bench, server, client) == 201, f"a client with a key of {kind} is refused")
            before = counted(server, "certificate")
            refused = answer(bench, server, clients["P-521"], newest=ssl.TLSVersion.TLSv1_2)
            expect(refused != 201 and counted(server, "certificate") == before + 1, f"P-521 over TLS 1.2: {refused}")
    with bench.server(*flags, env=configured(bench, STRICTER)) as server:
        expect(answer(bench, server, clients["P-256"]) == 201, "a stricter configuration turns a good client away")
        expect(answer(bench, server, clients["RSA"]) != 201, "its security level does not count")
        expect(answer(bench, server, clients["P-256"], newest=ssl.TLSVersion.TLSv1_2) != 201, "its version does not count")
    for lack, text in NONE_LEFT.items():
        with bench.server(env=configured(bench, text), awaited=False) as server:
            expect(server.wait() == 78 and "OPENSSL_CONF" in server.log_text(), f"without {lack}: {server.log_text()}")
    return (f"{len(clients)} kinds, with OpenSSL's default provider and with another beside it; its own stricter rules count; "
            f"{len(NONE_LEFT)} configurations that leave too little end with 78")
