"""The proxies of Deploy as processes: each with its very file, on a free port of 127.0.0.1, with a certificate made here."""
import os
import socket
import ssl
import subprocess
import tempfile
from pathlib import Path

from harness import ROOT, Failure, expect, free_ports, wait_until

MODULES = "/usr/lib/apache2/modules"
# What Debian's a2enmod would load for Deploy/apache.conf.
APACHE_MODULES = ["mpm_event", "authz_core", "headers", "proxy", "proxy_http", "reqtimeout", "socache_shmcb", "ssl"]
START_SECONDS = 10


def make_certificate(folder):
    """tls.crt, tls.key, and both in tls.pem."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "1", "-subj", "/CN=tokens.example", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", f"{folder}/tls.key", "-out", f"{folder}/tls.crt"], check=True, capture_output=True)
    both = Path(f"{folder}/tls.crt").read_text("ascii") + Path(f"{folder}/tls.key").read_text("ascii")
    Path(f"{folder}/tls.pem").write_text(both, "ascii")


class Proxy:
    """`with Nginx(server.port, admin=server.admin_port) as proxy:` runs it; proxy.port is where clients come.

    admin    the port that is asked whether the server is ready, where the proxy asks that
    idle     how long it keeps idle connections to the server, in seconds; without it as the file has it
    changes  texts of the file to replace. One that is not there is a Failure: the file has changed
    """
    file, program, closes_idle = "", "", True

    def __init__(self, upstream, admin=0, idle=None, changes=None):
        self.upstream, self.admin, self.idle, self.changes = upstream, admin, idle, dict(changes or {})

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="obie-tokens-proxy-")
        self.folder = self._folder.name
        os.chmod(self.folder, 0o755)
        make_certificate(self.folder)
        [self.port] = free_ports(1)
        path = f"{self.folder}/{os.path.basename(self.file)}"
        Path(path).write_text(self.prologue() + self._text(), "utf-8")
        self._log = open(f"{self.folder}/log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(self.command(path), stdout=self._log, stderr=self._log, cwd=self.folder)
        wait_until(self._listens, lambda: f"{self.file}: the proxy does not start: {self.log()}", START_SECONDS)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()
        self._folder.cleanup()

    def _text(self):
        text = (ROOT / self.file).read_text("utf-8")
        for old, new in {**self.places(), **(self.shorter(self.idle) if self.idle else {}), **self.changes}.items():
            expect(old in text, f"{self.file} has no {old!r}")
            text = text.replace(old, new)
        return text

    def _listens(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.file}: the proxy ended: {self.log()}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def log(self):
        self._log.flush()
        return Path(f"{self.folder}/log").read_text("utf-8")

    def tls(self):
        """For clients: they trust this proxy's certificate alone."""
        return ssl.create_default_context(cafile=f"{self.folder}/tls.crt")

    def prologue(self):
        """What stands before the file's text."""
        return ""


class Nginx(Proxy):
    name, file, program = "nginx", "Deploy/nginx.conf", "/usr/sbin/nginx"

    def command(self, path):
        return [self.program, "-c", path, "-p", self.folder]

    def prologue(self):
        return f"pid {self.folder}/pid; daemon off; error_log stderr;\n"

    def places(self):
        temporary = "".join(f" {kind}_temp_path {self.folder}/{kind};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        return {"listen 443": f"listen 127.0.0.1:{self.port}", "server 127.0.0.1:8080": f"server 127.0.0.1:{self.upstream}",
                "/etc/nginx/tls": self.folder, "worker_processes auto": "worker_processes 1",
                "\nhttp {": "\nhttp { access_log off;" + temporary}

    def shorter(self, idle):
        return {"keepalive_timeout 60s": f"keepalive_timeout {idle}s"}


class NginxStream(Nginx):
    name, file = "nginx-stream", "Deploy/nginx-stream.conf"

    def places(self):
        return {"listen 443": f"listen 127.0.0.1:{self.port}", "127.0.0.1:8080": f"127.0.0.1:{self.upstream}",
                "/etc/nginx/tls": self.folder, "worker_processes auto": "worker_processes 1"}


class HAProxy(Proxy):
    name, file, program = "HAProxy", "Deploy/haproxy.cfg", "/usr/sbin/haproxy"

    def command(self, path):
        return [self.program, "-f", path, "-db"]

    def places(self):
        return {"bind :443": f"bind 127.0.0.1:{self.port}", "/etc/haproxy/tls": self.folder,
                "127.0.0.1:8080": f"127.0.0.1:{self.upstream}", "check port 9090": f"check port {self.admin}"}

    def shorter(self, idle):
        return {"timeout http-keep-alive 60s": f"timeout http-keep-alive {idle}s"}


class Apache(Proxy):
    name, file, program = "Apache", "Deploy/apache.conf", "/usr/sbin/apache2"
    # It does not use them any more, and closes them later.
    closes_idle = False

    def command(self, path):
        return [self.program, "-f", path, "-DFOREGROUND"]

    def prologue(self):
        modules = "".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in APACHE_MODULES)
        return (f"ServerRoot {self.folder}\nDefaultRuntimeDir {self.folder}\nPidFile {self.folder}/pid\nServerName localhost\n"
                f"ErrorLog /dev/stderr\n{modules}")

    def places(self):
        return {"Listen 443": f"Listen 127.0.0.1:{self.port}", "<VirtualHost *:443>": f"<VirtualHost *:{self.port}>",
                "/etc/apache2/tls": self.folder, "http://127.0.0.1:8080/": f"http://127.0.0.1:{self.upstream}/"}

    def shorter(self, idle):
        return {"ttl=60": f"ttl={idle}"}
