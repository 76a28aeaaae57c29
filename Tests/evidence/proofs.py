"""Which proofs are run, what each shows, and after how many seconds it hangs. Commands run in the folder of the sources."""

SERVER = ".build/release/obie-tokens"


class Proof:
    """One program that ends with 0 where it has shown what it is there for. `{figures}` in it is a file for figures."""

    def __init__(self, name, shows, command, seconds, page="docs/testing.md"):
        self.name, self.shows, self.command, self.seconds, self.page = name, shows, command.split(), seconds, page


PROOFS = [
    Proof("model", "In every order of events of a model of two servers and a database that fails over, the promises hold; "
          "planted mistakes are found.", "Tests/spin/spin_check.py --json {figures}", 900, "docs/model.md"),
    Proof("single-use", "Eight clients race for each of 2,000 codes over two servers on one PostgreSQL: one token each.",
          f"Tests/cluster/race_test.py --server {SERVER}", 300),
    Proof("replay", "Answers are lost, servers killed, and clients race under one key: each code has one token, and whatever is "
          "no repetition revokes it.", f"Tests/crash/lost_answers_test.py --server {SERVER} --codes 600 --raced 50", 300),
    Proof("kill", "The server is killed ten times under load: no token is lost, no code works twice.",
          f"Tests/crash/crash_test.py --server {SERVER} --rounds 10", 300),
    Proof("power-cut", "The power is cut ten times: the same, and each 201 has its line in the audit log.",
          f"Tests/crash/crash_test.py --server {SERVER} --rounds 10 --power-cut --audit-strict", 300),
    Proof("disk-full", "A full disk gives 503, spoils no code, and the server recovers by itself.",
          f"Tests/crash/fault_test.py --server {SERVER}", 120),
    Proof("lost-sync", "A sync to disk fails and loses what was to be written: every promise is kept.",
          f"Tests/crash/lost_sync_test.py --server {SERVER} --rounds 3", 180),
    Proof("damage", "Pages of the store are damaged: what stands there gets 503, and nothing else.",
          f"Tests/crash/damage_test.py --server {SERVER}", 180),
    Proof("fail-over", "Three servers on a cluster whose primary dies, hangs and loses its network: the whole history keeps "
          "every promise.", f"Tests/cluster/failover_test.py --server {SERVER} --rounds 1 --rate 120", 600, "docs/cluster.md"),
    Proof("history-checker", "The checker of histories finds each kind of fault that is planted.",
          "Tests/cluster/check_history_test.py", 180),
    Proof("audit-chain", "A line that is changed, removed, moved or added is found in the audit log.",
          f"Tests/evidence/audit_chain_test.py --server {SERVER}", 60, "docs/production.md"),
    Proof("timing", "The time of a 401 does not tell whether a client exists.",
          f"Benchmarks/runs/timing.py --server {SERVER}", 240),
    Proof("conformance", "Some 640 requests, each with its source, are read as the RFCs say, in whatever portions they come.",
          "swift test --skip-build --filter ConformanceTests", 300),
    Proof("fuzz", "A minute of fuzzing with AddressSanitizer finds no crash and no broken promise.",
          "Tests/fuzz/run.py --seconds 15", 300),
]
