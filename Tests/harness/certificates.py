#!/usr/bin/env python3
"""Certificates for tests, made by the openssl command line: authorities, providers, clients.

    Tests/harness/certificates.py FOLDER            # a new set of files, valid for a day around now
    Tests/harness/certificates.py FOLDER --fixed    # valid from 2025 to 2125: what CertificatesTests has in its sources

Each name is a key NAME.key and a certificate NAME.pem. `ca` has issued all but `self` and `other`; `twin` has the name of
`ca` and another key, and has issued `other`. `issuing` is below `ca`, and has issued `below`. `weak` has a key of 1,024 bits of RSA, and has issued `psp_weak`.
"""
import argparse
import datetime
import subprocess
from pathlib import Path

ROLES = {"AS": 1, "PI": 2, "AI": 3, "IC": 4}
BANK = "/C=GB/O=Example Bank/organizationIdentifier=PSDGB-FCA-111111/CN=bank.example"
PSP = "/C=GB/O=Example PSP/organizationIdentifier=PSDGB-FCA-222222/CN=psp.example"
CA = "/C=GB/O=Example Trust/CN=Example CA"


def config(roles, names, purposes, is_ca=False, critical=""):
    """Extensions of a leaf; `roles` None: no statement about PSD2. `critical`: "critical," for those about it."""
    usage = "digitalSignature,keyCertSign" if is_ca else "digitalSignature"
    lines = ["[ext]", f"basicConstraints = critical,CA:{str(is_ca).upper()}", f"keyUsage = critical,{usage}"]
    if purposes:
        lines.append(f"extendedKeyUsage = {purposes}")
    if names:
        lines.append(f"subjectAltName = {names}")
    if roles is not None:
        lines.append(f"1.3.6.1.5.5.7.1.3 = {critical}ASN1:SEQUENCE:statements")
        lines += ["[statements]", "a = SEQUENCE:compliance", "b = SEQUENCE:psd2"]
        lines += ["[compliance]", "id = OID:0.4.0.1862.1.1"]
        lines += ["[psd2]", "id = OID:0.4.0.19495.2", "info = SEQUENCE:info"]
        lines += ["[info]", "roles = SEQUENCE:roles", "name = UTF8String:Financial Conduct Authority", "id = UTF8String:GB-FCA"]
        lines.append("[roles]")
        lines += [f"r{index} = SEQUENCE:role_{role}" for index, role in enumerate(roles)]
        for role in roles:
            lines += [f"[role_{role}]", f"oid = OID:0.4.0.19495.1.{ROLES[role]}", f"name = UTF8String:PSP_{role}"]
    return lines


class Maker:
    def __init__(self, folder, start, end):
        self.folder, self.start, self.end = Path(folder), start, end
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "issued").mkdir(exist_ok=True)
        (self.folder / "index.txt").write_text("")

    def run(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def make(self, name, subject, issuer, lines, start=None, end=None, mask="utf8only", bits=0):
        """`issuer` is the name of another one, or the same for one that is its own. `bits` of RSA; 0: a key on P-256."""
        request = ["[req]", "distinguished_name = dn", f"string_mask = {mask}", "prompt = no", "[dn]"]
        ca = ["[ca]", "default_ca = d", "[d]", "database = index.txt", "new_certs_dir = issued", "default_md = sha256",
              "policy = p", "unique_subject = no", "rand_serial = yes", "[p]", "countryName = optional",
              "organizationName = optional", "organizationIdentifier = optional", "commonName = optional"]
        (self.folder / "req.cnf").write_text("\n".join(request) + "\n")
        (self.folder / "ca.cnf").write_text("\n".join(ca + lines) + "\n")
        kind = ["RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"] if bits else ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        self.run("genpkey", "-algorithm", *kind, "-out", f"{name}.key")
        self.run("req", "-new", "-config", "req.cnf", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
        signer = ["-selfsign", "-keyfile", f"{name}.key"] if issuer == name else ["-keyfile", f"{issuer}.key", "-cert", f"{issuer}.pem"]
        self.run("ca", "-batch", "-notext", "-config", "ca.cnf", "-extensions", "ext", "-in", f"{name}.csr", "-out", f"{name}.pem",
                 "-startdate", start or self.start, "-enddate", end or self.end, *signer)

    def authority(self, name, subject, issuer, bits=0):
        self.make(name, subject, issuer, ["[ext]", "basicConstraints = critical,CA:TRUE", "keyUsage = critical,keyCertSign,cRLSign",
                                          "subjectKeyIdentifier = hash"], bits=bits)


def make_all(folder, start, end, past):
    """`past`: two moments before now."""
    maker = Maker(folder, start, end)
    maker.authority("ca", CA, "ca")
    maker.authority("twin", CA, "twin")
    maker.authority("issuing", "/C=GB/O=Example Trust/CN=Example Issuing CA", "ca")
    maker.authority("weak", "/C=GB/O=Example Trust/CN=Example Weak CA", "weak", bits=1024)
    client = "clientAuth"
    names = "DNS:bank.example,DNS:*.Bank.example,URI:spiffe://bank/tokens,IP:192.0.2.7,IP:2001:db8::7,email:Ops@Bank.Example"
    maker.make("psp", PSP, "ca", config(["AI", "PI", "IC"], None, "clientAuth,serverAuth"))
    maker.make("psp_printable", PSP, "ca", config(["AI"], None, "clientAuth"), mask="default")
    maker.make("psp_accounts", PSP, "ca", config(["AI"], None, client))
    maker.make("psp_without", PSP, "ca", config(None, None, client))
    maker.make("psp_expired", PSP, "ca", config(["AI", "PI", "IC"], None, client), start=past[0], end=past[1])
    maker.make("psp_of_another", PSP.replace("222222", "333333"), "ca", config(["AI", "PI", "IC"], None, client))
    maker.make("psp_critical", PSP, "ca", config(["AI", "PI", "IC"], None, client, critical="critical,"))
    maker.make("psp_ca", PSP, "ca", config(["AI", "PI", "IC"], None, client, is_ca=True))
    maker.make("other", PSP, "twin", config(["AI", "PI", "IC"], None, client))
    maker.make("psp_weak", PSP, "weak", config(["AI"], None, client))
    maker.make("bank", BANK, "ca", config(None, names, client))
    maker.make("bank_server", BANK, "ca", config(None, names, "serverAuth"))
    maker.make("bank_twin", BANK, "twin", config(None, names, client))
    maker.make("below", BANK, "issuing", config(None, None, client))
    maker.make("self", BANK, "self", config(None, names, client))


def swift(folder):
    """The certificates as a Swift file."""
    print("// Made by Tests/harness/certificates.py --fixed, which says what they are. Nobody has their keys.\n")
    print("enum Fixtures {")
    for path in sorted(Path(folder).glob("*.pem")):
        words = path.stem.split("_")
        name = words[0] + "".join(word.capitalize() for word in words[1:])
        print(f'    static let {"selfSigned" if name == "self" else name} = """')
        for line in path.read_text().strip().splitlines():
            print(f"        {line}")
        print('        """')
    print("}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--fixed", action="store_true")
    options = parser.parse_args()
    if options.fixed:
        make_all(options.folder, "20250101000000Z", "21250101000000Z", ("20200101000000Z", "20210101000000Z"))
        return swift(options.folder)
    now = datetime.datetime.now(datetime.timezone.utc)
    days = [(now + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ") for days in (-1, 1, -3, -2)]
    return make_all(options.folder, days[0], days[1], (days[2], days[3]))


if __name__ == "__main__":
    main()
