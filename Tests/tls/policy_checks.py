"""What is spoken and what is not: as curl, openssl and sslyze see it."""
import json
import re
import subprocess

from bench import counted, curl, s_client
from harness import expect


def check_curl(bench):
    with bench.server("--access-log") as server:
        for words in ([], ["--tls-max", "1.2"], ["--http1.1"], ["--http2"]):
            done = curl(bench, server, *words)
            expect(done.returncode == 0 and "<html" in done.stdout, f"curl {words}: {done.returncode} {done.stderr}")
        plain = subprocess.run(["curl", "--silent", "--max-time", "5", f"http://localhost:{server.port}/"], check=False,
                               capture_output=True)
        expect(plain.returncode in (52, 56), f"plain HTTP on the port: curl ends with {plain.returncode}")
        expect(counted(server, "plain_http") == 1, "plain HTTP is not counted")
        distrust = subprocess.run(["curl", "--silent", "--max-time", "5", f"https://localhost:{server.port}/"], check=False)
        expect(distrust.returncode == 60 and counted(server, "alert") == 1, "a client that does not trust is not counted")
        old = curl(bench, server, "--tls-max", "1.1")
        expect(old.returncode == 35, f"TLS 1.1: curl ends with {old.returncode}")
        expect(re.search(r"tls=TLSv1\.3|\"tls\":\"TLSv1\.3\"", server.log_text()), "the access log names no version")
    return "1.2 and 1.3 served, 1.1 and plain HTTP refused and counted"


def check_policy(bench):
    with bench.server() as server:
        brief = s_client(server, "-tls1_3", "-sess_out", bench.folder / "session", data="Q\n")
        expect("New, TLSv1.3" in brief.stdout, f"TLS 1.3: {brief.stdout[-600:]}")
        expect("New Session Ticket arrived" not in brief.stdout, "a ticket came")
        old = s_client(server, "-tls1_2", data="R\n")
        expect("Secure Renegotiation IS supported" in old.stdout, "1.2 has no secure renegotiation")
        expect("TLS session ticket:" not in old.stdout, "a ticket came in 1.2")
        for words in (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384"],
                      ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], ["-tls1_2", "-sigalgs", "ECDSA+SHA224"], ["-tls1_1"], ["-alpn", "h2"],
                      ["-groups", "X448"]):
            done = s_client(server, *words, data="Q\n")
            expect(done.returncode != 0 or "Cipher is (NONE)" in done.stdout, f"{words} was taken")
        done = s_client(server, "-alpn", "h2,http/1.1", data="Q\n")
        expect("ALPN protocol: http/1.1" in done.stdout, "http/1.1 is not chosen")
    return "no tickets, no early data, no other suites, groups, versions or protocols"


def check_sslyze(bench):
    if not bench.sslyze:
        return "left out: --sslyze names no program"
    with bench.server() as server:
        result, compliance = scan(bench, server)
        for version in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1"):
            expect(not result[f"{version}_cipher_suites"]["accepted_cipher_suites"], f"{version} is taken")
        suites = [suite["cipher_suite"]["name"] for version in ("tls_1_2", "tls_1_3")
                  for suite in result[f"{version}_cipher_suites"]["accepted_cipher_suites"]]
        expect(len(suites) == 5 and all("GCM" in name or "CHACHA20" in name for name in suites), f"suites {suites}")
        # Nobody trusts the CA of this test.
        found = re.findall(r"^ +\* (\w+):", compliance[compliance.find("COMPLIANCE AGAINST"):], re.MULTILINE)
        expect(found == ["certificate_path_validation"], f"sslyze finds {compliance[-600:]}")
        expect(not result["heartbleed"]["is_vulnerable_to_heartbleed"], "Heartbleed")
        expect(not result["session_renegotiation"]["is_vulnerable_to_client_renegotiation_dos"], "renegotiation")
        result, _ = scan(bench, server, "--early_data", "--resum")
        expect(not result["tls_1_3_early_data"]["supports_early_data"], "early data is taken")
        for kind in ("session_id", "tls_ticket"):
            outcome = result["session_resumption"][f"{kind}_resumption_result"]
            expect(outcome == "NOT_SUPPORTED", f"resumption by {kind}: {outcome}")
    return f"finds nothing but the private CA; {len(suites)} suites"


def scan(bench, server, *words):
    """What sslyze says: by the names of its scans, and as text."""
    report = bench.folder / "sslyze.json"
    done = subprocess.run([bench.sslyze, *words, "--json_out", report, f"127.0.0.1:{server.port}"],
                          capture_output=True, text=True, timeout=120, check=False)
    expect(report.exists(), f"sslyze: {done.stdout[-600:]} {done.stderr[-600:]}")
    scans = json.loads(report.read_text(encoding="utf-8"))["server_scan_results"][0]["scan_result"]
    report.unlink()
    return {name: scan["result"] for name, scan in scans.items() if scan["status"] == "COMPLETED"}, done.stdout
