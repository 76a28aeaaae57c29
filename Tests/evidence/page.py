"""The page that an auditor reads: plain, without a script, and nothing in it from elsewhere."""
from html import escape

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1a1a1a;
  background: #fff }
table { border-collapse: collapse; width: 100% } td, th { border-bottom: 1px solid #ccc; padding: .4rem .6rem;
  text-align: left; vertical-align: top }
pre { background: #f4f4f4; overflow-x: auto; padding: .6rem; font-size: 13px; white-space: pre-wrap }
.passed { color: #0a6b2d; font-weight: bold } .failed { color: #b00020; font-weight: bold }
@media (prefers-color-scheme: dark) { body { color: #e6e6e6; background: #16181c } pre { background: #24272d }
  .passed { color: #63d68b } .failed { color: #ff7b8a } a { color: #8ab4ff } td, th { border-color: #444 } }
"""


def word(proof):
    return '<span class="passed">passed</span>' if proof["passed"] else '<span class="failed">FAILED</span>'


def row(proof):
    return (f'<tr><td><a href="#{escape(proof["name"])}">{escape(proof["name"])}</a></td><td>{escape(proof["shows"])}</td>'
            f'<td>{word(proof)}</td><td>{proof["seconds"]:.0f} s</td></tr>')


def section(proof):
    ending = "did not end in time, or could not be started" if proof["status"] is None else f"ended with {proof['status']}"
    seeds = f" Seeds: {escape(', '.join(proof['seeds'][:8]))}." if proof["seeds"] else ""
    return f"""<h2 id="{escape(proof['name'])}">{escape(proof['name'])}: {word(proof)}</h2>
<p>{escape(proof['shows'])}</p>
<p>To repeat it, in the folder of the sources: <code>{escape(proof['command'])}</code>. It {ending} after
{proof['seconds']:.1f} s.{seeds} More about it: {escape(proof['page'])} of the sources. Its last lines, of
<a href="{escape(proof['log'])}">all of them</a>:</p>
<pre>{escape(chr(10).join(proof['said']))}</pre>"""


def facts(about):
    rows = {"Program": about["program"], "SHA-256 of the program": about["program_sha256"], "Revision": about["revision"],
            "Files that are not committed": about["uncommitted_files"], "System": about["system"], "Kernel": about["kernel"],
            "Processors": f"{about['processors']} × {about['processor']} ({about['machine']})",
            "Load when it began": ", ".join(f"{value:.1f}" for value in about["load_at_start"]), "Swift": about["swift"],
            **{f"Package {name}": version for name, version in about["packages"].items()}}
    return "".join(f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>" for name, value in rows.items())


def index(whole):
    """The page, of what figures.json has."""
    proofs = whole["proofs"]
    passed = sum(proof["passed"] for proof in proofs)
    bills = ", ".join(f'<a href="{escape(name)}">{escape(name)}</a>' for name in whole["bills_of_materials"])
    left = f" {whole['left_out']} were left out." if whole["left_out"] else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Evidence for obie-tokens</title><style>{STYLE}</style></head><body>
<h1>Evidence for obie-tokens</h1>
<p>{passed} of {len(proofs)} proofs passed.{left} They began at {escape(whole['began'])} and took {whole['seconds']:.0f} s. Each is a
program in the sources, and can be run again by itself.</p>
<table><tr><th>Proof</th><th>What it shows</th><th>Result</th><th>Time</th></tr>{''.join(map(row, proofs))}</table>
<h2>What was tried, and on what</h2>
<table>{facts(whole['versions'])}</table>
<p>Bill of materials: {bills or 'none; <code>make sbom</code> makes one'}.</p>
<h2>What is in this folder</h2>
<p><a href="figures.json">figures.json</a> has all of this page for programs, <a href="versions.json">versions.json</a> what it was
run on, <code>logs</code> what each proof has said. <code>sha256sum --check SHA256SUMS</code> tells whether any file was changed
since. Whoever made the folder could make another one: to be sure, run <code>make evidence</code> on the revision above.</p>
{''.join(map(section, proofs))}
</body></html>
"""
