"""How the service ends: drain, a second signal, requests under way, a disk that hangs."""
import signal
import time

from harness import connects, expect, get, sandbox, wait_until
from manager import Manager, Stopped

CODE = sandbox.code_body()
MAKE_CODE = sandbox.make_code()


def check_drain(program, folder, tls):
    with Manager(program, folder, tls, "--drain-delay", "1") as server:
        server.wait_notice("READY=1")
        expect(get(server.admin_port, "/readyz")[0] == 200, "not ready")
        idle = server.client()
        server.signal(signal.SIGTERM)
        wait_until(lambda: get(server.admin_port, "/readyz")[0] == 503, "/readyz does not say 503", 0.5)
        expect(get(server.admin_port, "/livez")[0] == 200, "/livez does not say 200")
        began = time.monotonic()
        late = server.client()
        answer = late.ask(MAKE_CODE)
        expect(answer.status == 201 and not answer.closes, "it turned away too early")
        requests = 1
        while not answer.closes:
            answer = late.ask(MAKE_CODE)
            expect(answer.status == 201, f"a request was lost: {answer!r}")
            requests += 1
            time.sleep(0.01)
        accepted = time.monotonic() - began
        expect(not connects(server.port), "it goes on accepting")
        idle.socket.settimeout(3)
        expect(idle.receive() == b"", "an idle connection is not closed")
        expect(server.wait(5) == 0, "it did not end with 0")
        expect(0.7 < accepted < 2, f"it accepted for {accepted:.2f} s")
    return (f"503 at once, accepts for {accepted:.1f} s more, then closes what is idle and with each answer; "
            f"{requests} requests meanwhile, none lost")


def check_second_signal(program, folder, tls):
    with Manager(program, folder, tls) as server:
        server.wait_notice("READY=1")
        busy = server.client()
        busy.send(MAKE_CODE[:-len(CODE)])
        expect(server.get("/healthz")[0] == 200, "not serving")
        server.signal(signal.SIGTERM)
        server.wait_notice("STOPPING=1")
        server.signal(signal.SIGTERM)  # as supervisors do that signal the group, too
        time.sleep(1.2)
        expect(server.is_running(), "it did not wait for a request under way")
        server.signal(signal.SIGTERM)
        expect(server.wait(2) == -signal.SIGTERM, "the second signal did not end it")
        busy.close()
    return "a second signal, a second later, ends it while a request is under way; one at once does not"


ARRIVING = 20


def check_arriving(program, folder, tls):
    """They have connected when SIGTERM comes, and say the rest of their handshake and their request later."""
    with Manager(program, folder, tls) as server:
        server.wait_notice("READY=1")
        clients = [server.client(awaited=False) if tls else server.client() for _ in range(ARRIVING)]
        for client in clients[::2] if tls else []:  # the others have said nothing yet
            client.step()
            client.socket.sendall(client.pending())
            client.feed()
        expect(get(server.admin_port, "/livez")[0] == 200, "not alive")
        server.signal(signal.SIGTERM)
        server.wait_notice("STOPPING=1")
        time.sleep(0.1)  # until every loop has heard of it
        for client in clients:
            if tls:
                client.handshake()
            answer = client.ask(MAKE_CODE)
            expect(answer.status == 201 and answer.closes, f"a client that had connected got {answer!r}")
            client.close()
        expect(server.wait(5) == 0, "it did not end with 0")
        silent_took = silent(program, folder, tls)
    return f"{ARRIVING} clients that had just connected at SIGTERM are served; one that says nothing holds it for {silent_took:.1f} s"


def silent(program, folder, tls):
    """How long the end waits for a client that connects and says nothing."""
    with Manager(program, folder, tls) as server:
        server.wait_notice("READY=1")
        with server.client(awaited=False) if tls else server.client():
            expect(get(server.admin_port, "/livez")[0] == 200, "not alive")
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            expect(server.wait(10) == 0, "it did not end with 0")
            took = time.monotonic() - began
            expect(took < 4, f"a silent client holds the end for {took:.1f} s")
            return took


BUSY = 1000


def check_busy(program, folder, tls):
    with Manager(program, folder, tls, "--loops", "2", store="sqlite:busy.db") as server:
        server.wait_notice("READY=1")
        clients = []
        for _ in range(BUSY):
            client = server.client(timeout=10)
            client.send(MAKE_CODE[:20 - len(CODE)])
            clients.append(client)
        time.sleep(0.3)
        server.signal(signal.SIGTERM)
        server.wait_notice("STOPPING=1")
        time.sleep(0.2)  # until every loop has heard of it
        for client in clients:
            client.send(CODE[20:])
        for client in clients:
            answer = client.read()
            expect(answer.status == 201 and b'"code":"' in answer.body, f"no code but {answer!r}")
            expect(answer.closes, "an answer does not close its connection")
            client.close()
        expect(server.wait(10) == 0, "it did not end with 0")
    return f"{BUSY:,} requests under way at SIGTERM are all answered 201 and closed; it ends with 0"


def check_hung_disk(program, folder, tls):
    with Manager(program, folder, tls, "--drain-timeout", "1", store="sqlite:hung.db") as server:
        server.wait_notice("READY=1")
        with Stopped(server.thread("store writer")) as writer, \
                server.client() as client:
            client.send(MAKE_CODE)
            time.sleep(0.3)
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            wait_until(writer.has_ended, "it did not end", 6)
            status = server.wait(6)
            took = time.monotonic() - began
            expect(status == 74, f"status {status}")
            expect(took < 4, f"{took:.1f} s")
    return f"a writer that does not come back keeps the process for {took:.1f} s (drain-timeout 1 s); status 74"
