"""What the tests in Python share: servers to start, waiting, a client, and the sandbox's requests.

Every test begins with the same two lines, wherever it stands; harness.ROOT is the checkout, too:

    ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "Package.swift").exists())
    sys.path.insert(0, str(ROOT / "Tests/harness"))

Then, for example:

    from harness import Client, Server, expect, sandbox

    with Server(program, "--loops", "2") as server, Client(server.port) as client:
        expect(client.ask(sandbox.client_credentials()).status == 201, "no CCG token")

A check that fails raises Failure. A connection that ends too early raises ConnectionError, which is an OSError. The
program of a test catches both, says what went wrong, and ends with 1.
"""
import sandbox
from checks import ROOT, Failure, came_true, expect, wait_until
from client import Answer, Client, connects, get, request
from free_ports import free_ports
from server import Server

__all__ = ["ROOT", "Answer", "Client", "Failure", "Server", "came_true", "connects", "expect", "free_ports", "get", "request",
           "sandbox", "wait_until"]
