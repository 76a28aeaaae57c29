"""The end-to-end suite under other conditions: what is left out of it by name, with the reason, and how it is run."""
import argparse
import os
import re
import subprocess

from checks import ROOT, expect


def names(options):
    """All tests, as `EndToEnd.Suite/test(…)`."""
    listed = subprocess.run(["swift", "test", "list", *options], cwd=ROOT, capture_output=True, text=True, check=False)
    expect(listed.returncode == 0, lambda: f"swift test list: {listed.stdout}{listed.stderr}")
    return [line for line in listed.stdout.splitlines() if line.startswith("EndToEnd.")]


def parser(description):
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--filter", action="append", default=[], metavar="NAME", help="only these")
    made.add_argument("--skip-build", action="store_true", help="what is there has just been built")
    return made


def run(title, left_out, environment, options):
    """The exit status of all tests, or those of options.filter, but what is left out. Raises Failure where a name of that
    is no test.

    left_out     names by their reason: of a suite, or of a suite and a test
    environment  what the tests find beside what there is
    """
    known = names(["--skip-build"] if options.skip_build else [])
    command, wanted = ["swift", "test", "--skip-build"], options.filter or ["EndToEnd"]
    for pattern in wanted:
        expect(any(re.search(pattern, name) for name in known), f"there is no {pattern} to run")
        command += ["--filter", pattern]
    chosen, count = [name for name in known if any(re.search(pattern, name) for pattern in wanted)], 0
    for reason, suites in left_out.items():
        for suite in suites:
            heads = f"EndToEnd.{suite}/", f"EndToEnd.{suite}("
            expect(any(name.startswith(heads) for name in known), f"there is no {suite} to leave out")
            count += sum(name.startswith(heads) for name in chosen)
            command += ["--skip", rf"EndToEnd\.{suite}[/(]"]
        print(f"{title}: left out, since they are about {reason}: {', '.join(suites)}")
    print(f"{title}: {len(chosen) - count} tests of {len(known)}, {count} left out", flush=True)
    return subprocess.run(["setpriv", "--pdeathsig=TERM", *command], cwd=ROOT, env={**os.environ, **environment},
                          check=False).returncode
