"""A machine with the package or the installed files, and a real systemd: commands, settings, an institution."""
import glob
import json
import os
import subprocess

from harness import Failure, expect, request, sandbox

UNIT = "obie-tokens.service"
SOCKETS = ["obie-tokens.socket", "obie-tokens-admin.socket"]
CONF = "/etc/obie-tokens/obie-tokens.conf"
STATE = "/var/lib/obie-tokens"
HTTP, ADMIN = 8080, 9090
WATCHDOG = 2


def run(*command, status=0):
    done = subprocess.run(command, text=True, capture_output=True, timeout=60)
    expect(done.returncode == status, f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}{journal()}")
    return done.stdout


def systemctl(*arguments):
    return run("systemctl", *arguments)


def tokens(*arguments):
    """A command as an administrator gives it: as root. It finds the settings of the service by itself."""
    return run("/usr/bin/obie-tokens", *arguments)


def journal():
    return subprocess.run(["journalctl", "--unit", UNIT, "--output", "cat", "--no-pager", "--lines", "40"],
                          text=True, capture_output=True).stdout


def show(name, unit=UNIT):
    return systemctl("show", "--property", name, "--value", unit).strip()


def drop_in(text):
    folder = f"/run/systemd/system/{UNIT}.d"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/trial.conf", "w", encoding="ascii") as file:
        file.write(f"[Service]\n{text}\n")
    systemctl("daemon-reload")


def thread(pid, name):
    for comm in glob.glob(f"/proc/{pid}/task/*/comm"):
        with open(comm, encoding="ascii") as file:
            if file.read().strip() == name:
                return int(comm.split("/")[4])
    raise Failure(f"there is no thread '{name}'")


class Bank:
    """An institution with a provider, registered by commands."""

    def __init__(self, number):
        self.reference, self.provider = f"PSDGB-FCA-1{number:05}", f"PSDGB-FCA-2{number:05}"
        made = json.loads(tokens("fi", "add", self.reference, "--json"))
        tokens("psp", "add", self.provider, "--redirect-uri", "https://psp.example/callback")
        self.authorization = sandbox.basic(self.reference, made["client_secret"])

    def post(self, path, body, **fields):
        fields = {"Authorization": self.authorization, "fi_reference_id": self.reference, "version": "1.0",
                  "Content-Type": sandbox.JSON, **fields}
        status, text = request(HTTP, "POST", path, json.dumps(body), fields, timeout=10)
        expect(status == 201, f"{path}: {status} {text}")
        return json.loads(text)["data"]

    def exchange(self):
        """Everything from the CCG token to an access token."""
        ccg = self.post(sandbox.TOKENS, {"grant_type": "client_credentials", "psp_id": self.provider})["access_token"]
        code = self.post(sandbox.CODES, {
            "consent_id": "c", "psu_account_id": "a", "scope": "accounts",
            "redirect_uri": "https://psp.example/callback"}, ccg_token=ccg)["redirect_uri"]["parameters"]["code"]
        return self.post(sandbox.TOKENS, {"auth_code": code, "redirect_uri": "https://psp.example/callback"},
                         ccg_token=ccg)["access_token"]
