#!/usr/bin/env python3
"""The end-to-end suite with its servers on PostgreSQL, each on a database of its own.

    Tests/cluster/endtoend_test.py [--filter NAME ...] [--skip-build]

Every test runs whose server's store matters, or at least does no harm. What is left out stands below, with the reason.
"""
import os
import signal
import sys
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
sys.path.insert(0, str(ROOT / "Tests/harness"))

import suite  # noqa: E402
from checks import Failure  # noqa: E402
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
        "ProviderImportTests/changeThatFailsIsNoChangeInTheAuditLog",
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


def test(database, options):
    environment = {"OBIE_TEST_STORE": "postgres", "TEST_POSTGRES_URL": database.owner_url,
                   "TEST_POSTGRES_SERVING_URL": database.serving_url, "PATH": f"{POSTGRES}:{os.environ['PATH']}"}
    return suite.run("end to end on PostgreSQL", LEFT_OUT, environment, options)


def main():
    options = suite.parser(__doc__).parse_args()
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
