"""Certificates for a measurement, and new TLS connections: how many in a second, and what CPU each takes."""
import os
import re
import ssl
import subprocess
import time

import servers

LEAST = 10  # connections; with fewer something is wrong, or the machine has no time for it
RESUMED = "resumed"
NGINX_RESUMED, OWN_RESUMED = "nginx, resumed", "obie-tokens, resumption refused"
NEW_TLS = {"nginx": ("nginx", False), "obie-tokens": ("obie-tokens", False),
           NGINX_RESUMED: ("nginx", True), OWN_RESUMED: ("obie-tokens", True)}  # row: server, whether the client asks


def make_certificates(folder):
    """server.pem and client.pem with their keys (P-256), signed by ca.pem; once for each folder."""
    if os.path.exists(os.path.join(folder, "client.pem")):
        return

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=folder)

    def new_key(name):
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")

    new_key("ca")
    openssl("req", "-x509", "-key", "ca.key", "-subj", "/CN=bench CA", "-days", "2", "-out", "ca.pem")
    for name, usage in (("server", "serverAuth"), ("client", "clientAuth")):
        new_key(name)
        openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", f"{name}.csr")
        with open(os.path.join(folder, f"{name}.ext"), "w") as file:
            file.write(f"extendedKeyUsage={usage}\nsubjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-extfile",
                f"{name}.ext", "-out", f"{name}.pem")


def client_context(folder, has_certificate=False):
    context = ssl.create_default_context(cafile=os.path.join(folder, "ca.pem"))
    context.check_hostname = False
    if has_certificate:
        context.load_cert_chain(os.path.join(folder, "client.pem"), os.path.join(folder, "client.key"))
    return context


def s_time(port, folder, seconds, *more, kind="-new"):
    """openssl s_time: one connection after the other, with one request each. kind: -new, or -reuse to resume."""
    return subprocess.Popen(
        ["taskset", "-c", "1", "openssl", "s_time", "-connect", f"127.0.0.1:{port}", kind, "-tls1_3", "-www", "/healthz",
         "-CAfile", os.path.join(folder, "ca.pem"), "-time", str(seconds), *more],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def measure(name, program, options, folder, has_certificate=False, resumes=False):
    """CPU of a new connection with one request, and how many there were in a second. resumes: the client asks for it,
    and nginx grants it."""
    more = ("-cert", os.path.join(folder, "client.pem"), "-key", os.path.join(folder, "client.key")) if has_certificate else ()
    kind = "-reuse" if resumes else "-new"
    with servers.Server(name, program, folder, tls=folder, clients=has_certificate, tickets=resumes) as server:
        s_time(server.port, folder, 1, *more, kind=kind).communicate(timeout=30)
        before, parts, busy = server.ran_seconds(), server.cpu_seconds(), servers.cpu_busy_seconds(0)
        began = time.monotonic()
        said = s_time(server.port, folder, options.seconds, *more, kind=kind).communicate(timeout=options.seconds + 30)[0]
        ran, took = server.ran_seconds() - before, time.monotonic() - began
        user, system = (after - earlier for after, earlier in zip(server.cpu_seconds(), parts))
        others = max(0.0, servers.cpu_busy_seconds(0) - busy - ran) / took
        resident = server.resident_bytes()
    found = re.findall(r"(\d+) connections in \d+ real seconds", said)
    count = int(found[-1]) if found else 0
    if count < LEAST:
        raise RuntimeError(f"openssl s_time: {said[-500:]} {server.log()}")
    resumed = re.findall(r"^[rt*]{9,}$", said, re.M)[-1].count("r")  # it prints a letter for each
    if (resumed > 0) != (resumes and name == "nginx"):
        raise RuntimeError(f"{resumed} of {count} connections resumed a session")
    cpu = ran / count * 1e6
    share = user / ((user + system) or 1)
    return {"cpu_us": cpu, "user_us": cpu * share, "system_us": cpu * (1 - share), "per_second": count / took,
            "requests_per_second": count / took, "resumed": resumed, "server_cpu_share": ran / took,
            "resident_bytes": resident, "others_cpu0_share": others, "others_cpu1_share": 0.0}
