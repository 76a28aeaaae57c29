"""Certificates for the tests of TLS, made with openssl(1): a CA, what it signs, and what is wrong on purpose."""
import subprocess
from pathlib import Path

P256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def openssl(*words, text=None):
    """Runs openssl and returns what it prints. Raises where it fails."""
    done = subprocess.run(["openssl", *map(str, words)], input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


class Authority:
    """A CA in a folder of its own: NAME.pem and NAME.key for everything that it signs."""

    def __init__(self, folder, common_name="Test CA", identifiers=True, usage="keyCertSign,cRLSign", days=30):
        """Without identifiers nothing but the name says whose key has signed what."""
        self.folder, self.number, self.identifiers = Path(folder), 1, identifiers
        self.folder.mkdir(parents=True)
        self.certificate, self.key = self.folder / "ca.pem", self.folder / "ca.key"
        (self.folder / "index.txt").touch()
        (self.folder / "crlnumber").write_text("01\n", encoding="ascii")
        (self.folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca = here\n[here]\n"
            f"database = {self.folder}/index.txt\ncrlnumber = {self.folder}/crlnumber\n"
            "default_md = sha256\n", encoding="ascii")
        make_key(self.key)
        openssl("req", "-x509", "-new", "-key", self.key, "-out", self.certificate, "-days", days,
                "-subj", f"/CN={common_name}", "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", f"keyUsage=critical,{usage}",
                *([] if identifiers else ["-addext", "subjectKeyIdentifier=none", "-addext", "authorityKeyIdentifier=none"]))

    def issue(self, name, usage="clientAuth", days=30, kind=P256):
        """Returns (certificate, key). It is good for so many days; with a negative number it has ended."""
        certificate, key, request = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        make_key(key, kind)
        openssl("req", "-new", "-key", key, "-out", request, "-subj", f"/CN={name}")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(
            f"basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage={usage}\n"
            "subjectAltName=DNS:localhost,IP:127.0.0.1\n"
            + ("" if self.identifiers else "subjectKeyIdentifier=none\nauthorityKeyIdentifier=none\n"), encoding="ascii")
        self.number += 1
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-out", certificate,
                "-set_serial", self.number, "-extfile", extensions, "-sha256", "-days", days)
        return certificate, key

    def revoke(self, *certificates, hours=48):
        """Returns a revocation list with these on it, which is good for so many hours."""
        common = ("ca", "-config", self.folder / "ca.cnf", "-cert", self.certificate, "-keyfile", self.key)
        for certificate in certificates:
            openssl(*common, "-revoke", certificate)
        path = self.folder / "crl.pem"
        openssl(*common, "-gencrl", "-crlhours", hours, "-out", path)
        return path


def make_key(path, kind=P256):
    """kind: what openssl genpkey makes."""
    openssl("genpkey", *kind, "-out", path)
    path.chmod(0o600)


def self_signed(folder, name):
    """(certificate, key) of a client that is its own CA."""
    certificate, key = Path(folder) / f"{name}.pem", Path(folder) / f"{name}.key"
    make_key(key)
    openssl("req", "-x509", "-new", "-key", key, "-out", certificate, "-days", 30, "-subj", f"/CN={name}")
    return certificate, key
