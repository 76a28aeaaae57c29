#!/usr/bin/env python3
"""The end-to-end suite with its servers on PostgreSQL, each on a database of its own.

    Tests/cluster/endtoend_test.py [--filter NAME ...] [--skip-build]

Every test runs whose server's store matters, or at least does no harm. What is left out stands below, with the reason.
"""
import argparse
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

from checks import Failure, expect  # noqa: E402
from database import OWNER_ROLE, Database  # noqa: E402
from programs import POSTGRES  # noqa: E402

# By the name of a suite, or of a suite and a test.
LEFT_OUT = {
    "the files of a store, of which a database has none": [
        "BackupTests", "RestoreTests", "FileTroubleTests", "MissingFolderTests",
        "AuditRotationTests/whatRootMakesBelongsToTheOwnerOfTheStore",
        "KeyFileTroubleTests", "ServerFilesTests", "VolumeTests",
        "ChangeOutcomeTests/registryThatIsReplacedByItsCopyGoesOn",
        "ChangeOutcomeTests/registryThatIsReplacedByAnotherIsFoundOut",
        "ChangeOutcomeTests/folderWithoutAStoreIsNotSaidToBeRevoked",
        "RegistryCommandTests/registryThatIsMissingIs66ThatCannotBeUsed71AndWhatIsNone78",
        "SecretsTests/nothingThatIsWrittenOrShownHoldsASecret", "SecretsTests/secretsInPlaceOfNamesAreWrittenNowhere"],
    "a store that they name themselves": [
        "DurabilityTests", "ConfigurationTests", "RootTests",
        "StartNoticeTests/sandboxNamesItsStoreAndItsWellKnownPeople"],
    "the lines of a log, which has one more where the database has no standby": [
        "LogTests/accessLogHoldsNothingThatWasNotProven", "LogTests/accessLogIsOffByDefaultAndTurnedOnByReloading"],
    "a new key that seals after one step, where servers need two; servers_test.py has those": [
        "KeyCommandTests/keyGoesOnlyWhenNothingNeedsIt", "KeyCommandTests/rotationsAtOnceKeepEachOthersKeys",
        "KeyCommandTests/listIsForPeopleAsWell"],
    "one server that is waited for, where several are counted out; servers_test.py has that": [
        "ChangeOutcomeTests/changeIsLateWhereTheServerDoesNotTakeItOver"],
}
# Each server has a handful of connections. Databases come and go, and nothing here is to outlive a crash.
SETTINGS = {"max_connections": 300, "fsync": "off", "full_page_writes": "off"}


def names(options):
    """All tests, as `EndToEnd.Suite/test(…)`."""
    listed = subprocess.run(["swift", "test", "list", *options], cwd=ROOT, capture_output=True, text=True, check=False)
    expect(listed.returncode == 0, lambda: f"swift test list: {listed.stdout}{listed.stderr}")
    return [line for line in listed.stdout.splitlines() if line.startswith("EndToEnd.")]


def test(database, options):
    build = ["--skip-build"] if options.skip_build else []
    known, left_out = names(build), 0
    command = ["swift", "test", "--skip-build"]
    for name in options.filter or ["EndToEnd"]:
        command += ["--filter", name]
    for reason, suites in LEFT_OUT.items():
        for suite in suites:
            found = [name for name in known if name.startswith((f"EndToEnd.{suite}/", f"EndToEnd.{suite}("))]
            expect(found, f"there is no {suite} to leave out")
            left_out += len(found)
            command += ["--skip", rf"EndToEnd\.{suite}[/(]"]
        print(f"end to end on PostgreSQL: left out, since they are about {reason}: {', '.join(suites)}")
    print(f"end to end on PostgreSQL: {len(known) - left_out} tests of {len(known)}, {left_out} left out", flush=True)
    environment = {**os.environ, "OBIE_TEST_STORE": "postgres", "TEST_POSTGRES_URL": database.owner_url,
                   "TEST_POSTGRES_SERVING_URL": database.serving_url, "PATH": f"{POSTGRES}:{os.environ['PATH']}"}
    return subprocess.run(["setpriv", "--pdeathsig=TERM", *command], cwd=ROOT, env=environment, check=False).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filter", action="append", default=[], metavar="NAME", help="only these")
    parser.add_argument("--skip-build", action="store_true", help="what is there has just been built")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Database(SETTINGS, every=True) as database:
            with database.superuser() as connection:  # a database for each server
                connection.query(f"ALTER ROLE {OWNER_ROLE} SUPERUSER")
            return test(database, options)
    except (Failure, OSError) as failure:
        print(f"end to end on PostgreSQL: FAILED {failure}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
