"""Checks of servers_test.py: what goes wrong around a registry that servers share, and what people are told of it."""
import json
import re
import statistics
import time

from asking import PROVIDER, said
from checks import ROOT, expect, wait_until
from client import Client
from fleet import BANKS

IN_FORCE_SECONDS, SLOWEST_SECONDS = 1.0, 2.0  # the median; any, since the machine may be busy
COUNTED_OUT_SECONDS = 6


def expect_soon(took, what):
    """Of several times, in seconds."""
    median, slowest = statistics.median_high(took), max(took)
    expect(median <= IN_FORCE_SECONDS and slowest <= SLOWEST_SECONDS,
           f"{what} took {median:.2f} s (at most {IN_FORCE_SECONDS:g}), the slowest {slowest:.2f} s (at most "
           f"{SLOWEST_SECONDS:g})")


def removed_rows_are_put_back(site):
    """A command waits for a server whose row somebody has removed: it is still connected."""
    took = []
    for state in ("disable", "enable") * 2:
        with site.database.superuser() as connection:
            connection.query("DELETE FROM nodes")
        outcome, seconds = site.change("fi", state, BANKS[0])
        expect(outcome["outcome"] == "in_force", f"three servers run, and the change is {outcome}")
        took.append(seconds)
        with site.database.superuser() as connection:
            count = connection.value("SELECT count(*) FROM nodes WHERE name IS NOT NULL")
        expect(count == "3", f"{count} of 3 rows are there")
    expect_soon(took, "a change")
    return f"within {max(took) * 1000:.0f} ms"


def server_that_goes_on_answers_nobody_by_an_old_registry(site):
    """What was sent to it while it hung is the first that it sees."""
    token = site.token("a", "c")
    hung, port = site.fleet.servers["b"], site.fleet.ports["b"][0]
    with Client(port) as early:
        hung.freeze()
        try:
            request = site.bank.request("lookup", token=token)
            early.send(request)
            time.sleep(COUNTED_OUT_SECONDS)
            outcome, _ = site.change("fi", "disable", BANKS[0])
            ended = site.run("psp", "disable", PROVIDER, *site.own)
            with Client(port) as late:
                late.send(request)
                hung.thaw()
                answers = [client.read() for client in (early, late)]
        finally:
            hung.thaw()
    expect([name.rpartition(":")[2] for name in outcome["silent"]] == [str(port)], f"the change is {outcome}")
    expect("has not been heard of since" in ended.stderr and "503" in ended.stderr, ended.stderr)
    for answer in answers:
        active = said("lookup", answer.status, answer.body).get("active")
        expect(not active, f"it says that a token of a disabled institution is alive: {answer}")
    site.await_ready()
    for noun, name in (("fi", BANKS[0]), ("psp", PROVIDER)):
        outcome, _ = site.change(noun, "enable", name)
        expect(outcome["outcome"] == "in_force" and not outcome["silent"], f"the change is {outcome}")
    return f"it said {' and '.join(str(answer.status) for answer in answers)}"


def command_that_waits_for_a_lock_changes_nothing(site):
    with site.database.superuser() as connection:
        connection.query("BEGIN; SELECT FROM meta WHERE name = 'registry_version' FOR UPDATE")
        ended = site.run("fi", "disable", BANKS[0], *site.own)
        expect(ended.returncode == 71, f"it ended with {ended.returncode}")
        expect("Nothing was changed; run the command again" in ended.stderr, ended.stderr)
        connection.query("ROLLBACK")
    shown = json.loads(site.run("fi", "show", BANKS[0], "--json", *site.own).stdout)
    expect(shown["enabled"], "it was changed all the same")


def older_registry_is_taken_up_and_told(site):
    """As where a backup is put back: what was disabled since is enabled again."""
    token = site.token("a", "b")
    saved = "SELECT value FROM meta WHERE name = 'registry_stamp'"
    with site.database.superuser() as connection:
        stamp = connection.value(saved)
        version = int(bytes.fromhex(connection.value("SELECT value FROM meta WHERE name = 'registry_version'")[2:]))
        site.change("fi", "disable", BANKS[0])
        connection.query(f"""BEGIN; UPDATE institutions SET disabled = false;
            UPDATE meta SET value = '{version}' WHERE name = 'registry_version';
            UPDATE meta SET value = '{stamp}' WHERE name = 'registry_stamp'; COMMIT""")
    began, took = time.monotonic(), []
    for name in site.fleet.servers:
        wait_until(lambda name=name: site.is_alive(name, token), f"server {name} does not go by it", SLOWEST_SECONDS)
        took.append(time.monotonic() - began)
    expect_soon(took, "to go by it")
    for name, server in site.fleet.servers.items():
        expect("is older than the one that this server has read" in server.log_text(), f"server {name} tells nobody")
        count = server.metrics()["obie_tokens_registry_set_back_total"]
        expect(count == 1, f"server {name} has counted {count}")


def emptied_meta_is_called_so(site):
    """And once it is put back, or written anew as the runbook says, servers go on."""
    token = site.token("a", "b")
    with site.database.superuser() as connection:
        connection.query("CREATE TABLE saved AS SELECT * FROM meta; DELETE FROM meta")
        ended = site.run("psp", "list", *site.own)
        refusal = site.refusal()
        for name, server in site.fleet.servers.items():
            wait_until(lambda server=server: "The table meta" in server.log_text(), f"server {name} tells nobody", 3)
        status = site.ask("a", "issue", consent="consent")[0]
        connection.query("INSERT INTO meta SELECT * FROM saved; DROP TABLE saved")
    expect(ended.returncode == 78 and "was emptied" in ended.stderr, ended.stderr)
    expect("was emptied" in refusal, refusal)
    expect(status == 503, f"a server answers {status} by a registry that nobody knows")
    site.await_ready()
    statement = re.search(r"```sql\n(INSERT INTO meta .*?)```", (ROOT / "docs/runbook.md").read_text("utf-8"), re.DOTALL)
    with site.database.superuser() as connection:
        connection.query(f"DELETE FROM meta; {statement[1]}")
    site.restart("c")
    site.await_ready()
    expect(site.is_alive("a", token) and site.is_alive("c", token), "a token is lost with meta")
    site.token("b", "c")
    expect(site.run("fi", "list", *site.own).returncode == 0, "the registry cannot be listed")


def server_that_begins_takes_the_time_of_those_that_run(site):
    """Not the database's where they are behind it, and not that of a row from a wrong clock."""
    def newest(name):
        expect(site.ask(name, "issue", consent="consent")[0] == 201, f"server {name} makes no code")
        with site.database.superuser() as connection:
            return int(connection.query(
                "SELECT max(issued_at) - (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM codes")[0][0])

    with site.database.superuser() as connection:
        connection.query("""INSERT INTO nodes (id, name, seen_at, time_ahead) SELECT 'other', 'other:1',
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 60000, 20000000""")
        site.restart("c")
        ahead = newest("c")
        expect(19_000 < ahead < 21_000, f"a server begins {ahead} ms ahead where another is 20 s ahead")
        connection.query("DELETE FROM nodes WHERE id = 'other'")
        site.restart("c")
        connection.query("DELETE FROM codes")
        ahead = newest("c")
        expect(abs(ahead) < 1000, f"a server begins {ahead} ms ahead since a row is")
    for maker in site.fleet.ports:
        for taker in site.fleet.ports:
            site.token(maker, taker)


CHECKS = (removed_rows_are_put_back, server_that_goes_on_answers_nobody_by_an_old_registry,
          command_that_waits_for_a_lock_changes_nothing, older_registry_is_taken_up_and_told, emptied_meta_is_called_so,
          server_that_begins_takes_the_time_of_those_that_run)
