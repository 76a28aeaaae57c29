"""The certificates of institutions and providers in the model, as they stand in headers, and whom tokens are bound to."""
import base64
import hashlib
import ssl
import urllib.parse
from dataclasses import dataclass

from certificates import Maker, config

HEADER = "x-client-cert"
FORMS = ("cnf", "eidas", "both")


class Shown:
    """A certificate in a file."""

    def __init__(self, path):
        self.path = str(path)
        self.pem = path.read_text(encoding="ascii")
        der = ssl.PEM_cert_to_DER_cert(self.pem)
        self.base64 = base64.b64encode(der).decode()
        self.escaped = urllib.parse.quote(self.pem, safe="")
        self.thumbprint = base64url(hashlib.sha256(der).digest())


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Certificates:
    """Good whatever the clock says, from 2000 to 2100. `clients` are two of each institution, `providers` one of each."""

    def __init__(self, folder, fis, psps):
        maker = Maker(f"{folder}/certificates", "20000101000000Z", "21000101000000Z")
        maker.authority("ca", "/CN=Example CA", "ca")
        self.authority = Shown(maker.folder / "ca.pem")
        self.clients = {}
        for reference in fis:
            names = [f"{reference}-{number}" for number in range(2)]
            for name in names:
                maker.make(name, f"/CN={reference}", name, config(None, None, "clientAuth"))
            self.clients[reference] = [Shown(maker.folder / f"{name}.pem") for name in names]
        self.providers = {}
        for reference in psps:
            subject = f"/O=Example PSP/organizationIdentifier={reference}/CN=psp.example"
            maker.make(reference, subject, "ca", config(["AI"], None, "clientAuth"))
            self.providers[reference] = Shown(maker.folder / f"{reference}.pem")


@dataclass
class Holder:
    """Whose a token is to be, and how an exchange says so."""
    thumbprint: str
    form: str = "cnf"
    certificate: Shown | None = None

    def members(self):
        return {"cnf": {"x5t#S256": self.thumbprint}} if self.form != "eidas" else {}

    def fields(self):
        return {"eidas": self.certificate.base64} if self.form != "cnf" else {}


def drawn(chance, certificate):
    """Any thumbprint, or a provider's certificate, in one of the forms."""
    form = chance.choice(FORMS)
    if form == "cnf":
        return Holder(base64url(chance.randbytes(32)))
    return Holder(certificate.thumbprint, form, certificate)
