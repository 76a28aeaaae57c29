"""Clients that are programs: curl and wget; and those of Java, Node and Go, each in a program of ours that asks as told.

A program of ours reads one request a line, with tabs between its parts: how, URL, client, secret, body, and `name: value`
for each header. It writes a line for each: the status, a tab and the body; or `error`, a tab, and what was raised.
"""
import re
import shutil
import subprocess
from pathlib import Path

from asking import CHALLENGED, Answer
from harness import Failure

HERE = Path(__file__).resolve().parent / "programs"
JARS = Path("/usr/share/java")
LIBRARIES = ["okhttp", "okio", "httpclient", "httpcore", "commons-logging", "commons-codec", "httpclient5", "httpcore5",
             "httpcore5-h2", "slf4j-api"]
SECONDS = 30


def first_line(*command):
    """What a program says of its version."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).partition("\n")[0]


class Curl:
    """One process for requests that belong together; it keeps the connection between them."""
    name, challenge, flags = "curl", True, []

    def __init__(self):
        self.version = first_line("curl", "--version").split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ask(self, request):
        return self.ask_all([request])[0]

    def ask_all(self, wanted):
        command = ["curl", "--disable"]
        for request in wanted:
            command += [*(["--next"] if len(command) > 2 else []), *self._arguments(request)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        answers = [Answer(int(status), text) for text, status in re.findall(r"(.*?)\x1e(\d{3})\x1d", done.stdout, re.DOTALL)]
        answers = [answer for answer in answers if answer.status]
        return answers + [Answer(error=f"exit {done.returncode}: {done.stderr.strip()}")] * (len(wanted) - len(answers))

    def _arguments(self, request):
        return [*self.flags, *(["--anyauth"] if request.how == CHALLENGED else []), "--silent", "--show-error", "--user",
                f"{request.client}:{request.secret}", "--data-binary", request.body, "--write-out", "\x1e%{http_code}\x1d",
                *(word for name, value in request.headers.items() for word in ("--header", f"{name}: {value}")), request.url]


class CurlRetry(Curl):
    name, challenge, flags = "curl with --retry-all-errors", False, ["--retry", "3", "--retry-all-errors"]


class Wget:
    """It waits for the challenge unless told otherwise, and repeats up to 20 times what got no answer."""
    name, challenge, flags = "wget", True, []

    def __init__(self):
        self.version = first_line("wget", "--version").split()[2]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def ask(self, request):
        command = ["wget", *self.flags, "--no-config", "--quiet", "--server-response", "--content-on-error", "--output-document=-",
                   f"--user={request.client}", f"--password={request.secret}", f"--post-data={request.body}",
                   *(f"--header={name}: {value}" for name, value in request.headers.items())]
        if request.how != CHALLENGED:
            command.append("--auth-no-challenge")
        done = subprocess.run([*command, request.url], capture_output=True, text=True, timeout=SECONDS, check=False)
        statuses = re.findall(r"^ *HTTP/1\.1 (\d{3})", done.stderr, re.MULTILINE)
        return Answer(int(statuses[-1]), done.stdout) if statuses else Answer(error=f"exit {done.returncode}")

    def ask_all(self, wanted):
        return [self.ask(request) for request in wanted]


class WgetOnce(Wget):
    name, challenge, flags = "wget with --tries=1", False, ["--tries=1"]


class Program:
    """A program of ours. It goes on between requests, and so do its connections."""

    def __init__(self, name, version, command, challenge=False):
        self.name, self.version, self.command, self.challenge = name, version, command, challenge

    def __call__(self):
        return self

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask(self, request):
        parts = [request.how, request.url, request.client, request.secret, request.body,
                 *(f"{name}: {value}" for name, value in request.headers.items())]
        self.process.stdin.write("\t".join(parts) + "\n")
        self.process.stdin.flush()
        status, tab, text = self.process.stdout.readline().rstrip("\n").partition("\t")
        if not tab:
            raise Failure(f"{self.name}: the program said {status!r}")
        return Answer(error=text) if status == "error" else Answer(int(status), text)

    def ask_all(self, wanted):
        return [self.ask(request) for request in wanted]


def java(folder):
    """HttpURLConnection and java.net.http from the JDK; OkHttp and Apache's HttpClient 4 and 5 from Debian's packages."""
    jars = ":".join(str(JARS / f"{name}.jar") for name in LIBRARIES)
    subprocess.run(["javac", "-nowarn", "-d", folder, "-cp", jars, *map(str, HERE.glob("*.java"))], check=True)
    jdk = re.search(r'"(.*)"', first_line("java", "-version"))[1]
    start = ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-cp", f"{folder}:{jars}", "Clients"]
    return [Program("HttpURLConnection", jdk, [*start, "HttpURLConnection"], True),
            Program("HttpURLConnection with retryPost=false", jdk,
                    [*start[:-1], "-Dsun.net.http.retryPost=false", "Clients", "HttpURLConnection"]),
            Program("java.net.http", jdk, [*start, "java.net.http"], True),
            Program("OkHttp", jar_version("okhttp"), [*start, "OkHttp"], True),
            Program("OkHttp without retryOnConnectionFailure", jar_version("okhttp"), [*start, "OkHttpOnce"]),
            Program("Apache HttpClient 4", jar_version("httpclient"), [*start, "HttpClient4"], True),
            Program("Apache HttpClient 4 with a retry handler", jar_version("httpclient"), [*start, "HttpClient4Repeats"]),
            Program("Apache HttpClient 5", jar_version("httpclient5"), [*start, "HttpClient5"], True),
            Program("Apache HttpClient 5 with a retry strategy", jar_version("httpclient5"), [*start, "HttpClient5Repeats"])]


def jar_version(name):
    """From the name beside the plain one."""
    return next(JARS.glob(f"{name}-[0-9]*.jar")).stem.removeprefix(f"{name}-")


def node():
    return [Program("Node fetch", first_line("node", "--version"), ["node", str(HERE / "clients.js")])]


def go(folder):
    built = f"{folder}/go-client"
    environment = {"PATH": "/usr/bin:/bin", "HOME": folder, "GOCACHE": f"{folder}/go", "GOPATH": f"{folder}/path",
                   "GO111MODULE": "off"}
    subprocess.run([shutil.which("go"), "build", "-o", built, str(HERE / "clients.go")], env=environment, check=True)
    return [Program("Go net/http", first_line("go", "version").split()[2], [built])]
