"""The steps of whoever runs the server: commands, restarts, time, copies, lost files."""
import os
import shutil

from harness import expect
from rules import CONSENTS

ROTATIONS_MAX = 24
FILES = ("store.db", "store.db.registry", "store.db.keys")


class Operators:
    """A part of Steps."""

    # What operators do

    def revoke_by_command(self):
        kind, fi, psp, consent = self.chance.randrange(3), self.fi(), self.psp(), self.chance.choice(CONSENTS)
        if kind == 0 and fi.exists:
            self.bank.commands.succeed("tokens", "revoke", "--fi", fi.reference, "--yes")
            self.hit(self.model.void("revoked with its FI", lambda item: self.belongs(item, fi)))
        elif kind == 1 and psp.exists:
            self.bank.commands.succeed("tokens", "revoke", "--psp", psp.reference, "--yes")
            self.hit(self.model.void("revoked with its PSP", lambda item: item.psp == psp.reference
                                     and item.psp_entry == psp.entry))
        elif kind == 2:
            self.bank.commands.succeed("tokens", "revoke", "--consent", consent, "--yes")
            self.hit(self.model.void("revoked with its consent", lambda item: item.consent == consent))

    def disable_or_enable(self):
        noun, party = self.chance.choice([("fi", self.fi()), ("psp", self.psp())])
        # Most are enabled, so that something happens.
        if party.exists and (not party.enabled or self.chance.random() < 0.4):
            self.bank.commands.succeed(noun, "disable" if party.enabled else "enable", party.reference)
            party.enabled = not party.enabled
            self.look_at_some()

    def remove_or_add(self):
        noun, party = self.chance.choice([("fi", self.fi()), ("psp", self.psp())])
        if party.exists and self.chance.random() < 0.3:
            self.bank.commands.succeed(noun, "remove", party.reference, "--yes")
            party.exists = False
        elif not party.exists:
            (self.bank.add_fi if noun == "fi" else self.bank.add_psp)(party)
            party.exists, party.enabled, party.entry, party.certificate = True, True, party.entry + 1, None
        self.look_at_some()

    def look_at_some(self):
        for token in self.chance.sample(self.model.tokens, min(6, len(self.model.tokens))):
            self.look_at(token)

    def rotate(self):
        if self.rotations < ROTATIONS_MAX:
            self.rotations += 1
            self.bank.commands.succeed("keys", "rotate")
            self.restart()

    def restart(self):
        self.before_start()
        self.bank.restart()
        self.look_at_some()

    def kill(self):
        self.before_start()
        self.bank.kill()
        self.bank.start()
        self.look_at_some()

    def before_start(self):
        """A server that starts has no other clock than the wall's, but never goes back."""
        if self.bank.timepiece.wall > 0:
            self.bank.timepiece.set_wall(0)
        self.model.lag = max(0, -self.bank.timepiece.wall)

    def change_settings(self):
        lifetime = self.chance.choice([None, None, 86_400, 31_104_000])
        code_lifetime = self.chance.choice([60, 60, 600])
        self.bank.settings |= {"--code-lifetime": str(code_lifetime), "--access-token-lifetime": str(lifetime or "never"),
                               "--require-cnf": self.chance.choice(["no", "no", "yes"])}
        self.model.code_lifetime = code_lifetime * 1000
        self.model.token_lifetime = lifetime and lifetime * 1000
        self.restart()

    # Time

    def pass_time(self):
        seconds = self.chance.choice([1, 2, 5, 10, 30, 30, 90, 700])
        if self.bank.timepiece.wall == 0 and self.chance.random() < 0.05:
            seconds = 90_000
        self.bank.hang_up()
        self.bank.timepiece.pass_(seconds * 1000)
        self.bank.settle()

    def step_clock(self):
        seconds = self.chance.choice([-50, -50, -600, -3600, 50, 3600, 400 * 86_400])
        self.bank.timepiece.set_wall(seconds * 1000)
        self.wall_steps_left = self.chance.randrange(1, 60)

    # Copies

    def back_up(self):
        path = os.path.join(self.bank.folder, f"backup-{self.backups}")
        self.backups += 1
        self.bank.commands.succeed("backup", path)
        if self.backup:
            for name in os.listdir(self.bank.folder):
                if name.startswith(os.path.basename(self.backup) + ".") or name == os.path.basename(self.backup):
                    os.remove(os.path.join(self.bank.folder, name))
        self.backup = path

    def restore(self):
        """Whatever was issued before is void. The registry stays: it knows what was disabled since."""
        if not self.backup:
            return
        self.before_start()
        self.bank.stop()
        self.bank.commands.succeed("restore", self.backup)
        self.bank.ccg, self.old_registry = {}, None
        self.bank.start()
        self.hit(self.model.void("restored over", lambda item: True))

    def lose_a_file(self):
        """Without one of its three files, or with an older registry, the server does not start."""
        self.before_start()
        self.bank.stop()
        name = self.chance.choice(FILES)
        path = os.path.join(self.bank.folder, name)
        aside = path + ".aside"
        os.rename(path, aside)
        older = self.old_registry if name.endswith("registry") else None
        if older and self.chance.random() < 0.5:
            shutil.copy(older, path)
        try:
            self.bank.refuses_to_start()
            expect(older or not os.path.exists(path), f"a start that failed made {name}")
        finally:
            os.replace(aside, path)
        self.bank.start()
        self.look_at_some()

    def keep_registry(self):
        """An old registry, which must not be taken for the present one."""
        self.before_start()
        self.bank.stop()
        copy = os.path.join(self.bank.folder, "registry.old")
        shutil.copy(os.path.join(self.bank.folder, FILES[1]), copy)
        self.bank.start()
        noun, party = "psp", self.psp()
        if party.exists:  # so that it is older
            self.bank.commands.succeed(noun, "disable" if party.enabled else "enable", party.reference)
            party.enabled = not party.enabled
            self.old_registry = copy
