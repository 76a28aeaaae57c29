"""Random requests at the sandbox: good ones, refused ones, and probes, which no report may count."""
import random
import threading

from harness import Client, get, sandbox

WRONG = sandbox.basic(sandbox.CLIENT, "wrong")


def request(chance, kept):
    """The bytes of one. `kept` has codes and tokens that were given."""
    kind = chance.random()
    if kind < 0.3:
        return sandbox.make_code(f"consent-{chance.randrange(1000)}")
    if kind < 0.6:
        return sandbox.exchange(kept["codes"].pop() if kept["codes"] else sandbox.UNKNOWN_CODE)
    if kind < 0.7:
        return sandbox.introspect(chance.choice(kept["tokens"]) if kept["tokens"] else "nothing")
    if kind < 0.74:
        return sandbox.revoke(kept["tokens"].pop() if kept["tokens"] else "nothing")
    if kind < 0.78:
        return sandbox.post("/v1/obie/consents/revoke", {"consent_id": f"consent-{chance.randrange(1000)}"})
    return chance.choice([
        sandbox.post(sandbox.TOKENS, "{", Authorization=WRONG), sandbox.post(sandbox.CODES, "{"),
        sandbox.post(sandbox.TOKENS, {}, fi_reference_id="PSDGB-FCA-999999"),
        sandbox.post(sandbox.TOKENS, {}, version="2.0"), sandbox.get("/nothing"), sandbox.get("/errors"),
        sandbox.get(sandbox.TOKENS), sandbox.introspect(""), sandbox.get("/healthz"),
    ])


class Load:
    """Clients on threads, until the `with` ends. Failures of connections are none of theirs."""

    def __init__(self, server, seed, clients=3, pause=0.0):
        self.server, self.seed, self.pause = server, seed, pause
        self.over, self.asked = threading.Event(), 0
        self.threads = [threading.Thread(target=self.run, args=(number,), daemon=True) for number in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def run(self, number):
        chance, kept = random.Random(f"{self.seed} {number}"), {"codes": [], "tokens": []}
        try:
            with Client(self.server.port) as client:
                while not self.over.wait(self.pause):
                    answer = client.ask(request(chance, kept))
                    self.asked += 1
                    if answer.status == 201 and b'"code":"' in answer.body:
                        kept["codes"].append(sandbox.code_of(answer))
                    elif answer.status == 201 and b'"state"' not in answer.body and b"good-access" not in answer.body:
                        kept["tokens"].append(sandbox.token_of(answer))
                    if chance.random() < 0.02:
                        get(self.server.admin_port, chance.choice(["/livez", "/readyz", "/metrics"]))
                    if answer.closes:
                        return self.run(f"{number}+")
        except OSError:  # the server was killed
            self.over.wait()
        return None
