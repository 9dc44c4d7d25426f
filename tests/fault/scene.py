"""One rig for many mishaps: what was asked of it adds up, and is judged together at the end.

Whatever belongs to one mishap bears its name: users and generations, so that a difference tells where it comes from.
"""

import os
import signal
import time
from collections import Counter

import load as loads
import oracle
from load import Ask, FAILING_PROMPT, GARBAGE, Load
from membership import leave
from rig import Rig
from stack import programs
from stack.process import wait_until

SANDBOX = {"run_ms": "200ms", "pending_ms": "50ms"}
# Short limits, where the default would make a test wait.
SETTINGS = {
    "generator": {"create_timeout_ms": "3s"},
    "poller": {"missing_confirm_ms": "1s"},
    "ledger": {"journaled_every_ms": "200ms"},
}
GROUPS = {"ledger": ("ledger", "recovery")}
TOKENS = 4


class Scene:
    def __init__(self, directory, *, bin_dir, kafka, prefix):
        self.rig = Rig(directory, bin_dir=bin_dir, kafka=kafka, prefix=prefix, sandbox=SANDBOX)
        self.load = Load(may_be_unknown=True)

    def close(self):
        self.rig.close()

    # ---- programs

    def start(self, program, ready=True, points="", **settings):
        env = {"REELGATE_CRASH_POINT": points}
        return self.rig.start(program, ready=ready, env=env, **{**SETTINGS.get(program, {}), **settings})

    def process(self, program):
        return self.rig.stack.find(f"{program}-0")

    def forget(self, program):
        """It is dead: its members leave their groups."""
        leave(self.rig.kafka, *(self.rig.prefix + group for group in GROUPS.get(program, (program,))))

    def kill(self, program):
        process = self.process(program)
        if process is not None:
            process.kill()
            self.forget(program)

    def start_missing(self, besides=()):
        started = {
            program: self.start(program, ready=False)
            for program in programs.WORKERS
            if program not in besides and self.process(program) is None
        }
        programs.wait_ready(started)

    def died(self, program, point, seconds=40):
        process = self.rig.stack.processes[f"{program}-0"]
        assert process.wait(seconds), f"{program} never got to {point}: {process.more['log']}"
        said = [fact["point"] for fact in programs.facts(process, "crash_point")]
        assert point in said and process.exit_status() == -signal.SIGKILL, (
            f"{program} ended with status {process.exit_status()} at {said}, not at {point}: {process.more['log']}"
        )
        self.forget(program)

    def stopped(self, program, seconds=40):
        """Waits until it has stopped at its point (SIGSTOP)."""
        process = self.process(program)
        wait_until(lambda: _state(process.pid) == "T", seconds, f"{program} stops", process)

    def go_on(self, program):
        os.kill(self.process(program).pid, signal.SIGCONT)

    # ---- upstream

    def give(self, tokens):
        """user -> tokens; waits until they can be spent, and no loss of Redis takes them away again."""
        self.load.grants.update(tokens)
        for user, amount in tokens.items():
            if amount:
                self.rig.publish("grants", {"grantId": f"grant-{user}", "userId": user, "amount": amount}, key=user)
        self.rig.flush()
        self.rig.observer.until(
            lambda: all(self.rig.balance(user)["available"] == amount for user, amount in tokens.items()),
            60,
            "the grants in Redis",
        )
        self.rig.observer.until_journaled(user for user, amount in tokens.items() if amount)

    def give_more(self, user):
        self.load.grants[user] += 1
        self.rig.publish("grants", {"grantId": f"more-{user}", "userId": user, "amount": 1}, key=user)
        self.rig.flush()

    def ask(self, user, generation, kind="valid", **fields):
        self.publish(request(user, generation, kind, **fields))

    def publish(self, *asks):
        first = len(self.load.asks)
        self.load.asks += asks
        loads.publish(self.rig, self.load, slice(first, None))

    def cancel(self, user, generation):
        self.load.cancels.add(generation)
        self.rig.cancel(generation, user)

    def day(self, name):
        """A little of everything: two that succeed, one that fails, one twice, one wrong, one poor, one unreadable."""
        first = request(name, f"{name}-1")
        self.publish(
            first,
            request(name, f"{name}-2", "failing", prompt=FAILING_PROMPT),
            first,
            request(name, f"{name}-3", "invalid", ratio="3:2"),
            request("poor-" + name, f"{name}-4"),
            Ask(name, GARBAGE[len(self.load.asks) % len(GARBAGE)], "malformed"),
            request(name, f"{name}-5"),
        )

    # ---- Redis

    def buckets(self):
        return [f"rg:{{{bucket}}}:meta" for bucket in range(len(self.rig._journal_partitions))]

    def users_of_all_buckets(self, name):
        """One for each bucket: whichever is hit, one of them shows it."""
        found, number = {}, 0
        while len(found) < len(self.buckets()):
            found.setdefault(self.rig.bucket(f"{name}-{number}"), f"{name}-{number}")
            number += 1
        return list(found.values())

    def verified(self):
        """How many buckets carry a mark that stands."""
        pipeline = self.rig.redis.pipeline(transaction=False)
        for bucket in self.buckets():
            pipeline.hget(bucket, "verified")
        run_id = self.rig.redis.info("server")["run_id"]
        return sum(mark is not None and mark.startswith(run_id) for mark in pipeline.execute())

    def unverify(self):
        for bucket in self.buckets():
            self.rig.redis.hdel(bucket, "verified")

    def wait_verified(self, seconds=60):
        wait_until(lambda: self.verified() == len(self.buckets()), seconds, "all buckets verified")

    # ---- the end

    def judge(self, seconds=60):
        """Waits until all has ended that will (what has not, a rule names), and asks the oracle."""
        self.rig.fault(create={"mode": "none"})
        self.start_missing()
        self._wait(lambda: not loads.unfinished(self.rig, self.load) and not self._unsettled(), seconds)
        self._wait(lambda: self.verified() == len(self.buckets()), seconds)
        oracle.verify(self.rig, self.load)

    def _wait(self, condition, seconds):
        limit = time.monotonic() + seconds
        while not condition() and time.monotonic() < limit:
            self.rig.observer.poll(0.25)

    def _unsettled(self):
        """Tokens that the journal still holds: an end is announced before it is settled."""
        held = Counter()
        for entry in (seen.data for seen in self.rig.observer.seen["journal"]):
            if entry["kind"] in ("reserve", "commit", "release"):
                held[entry["generationId"]] += entry["amount"] if entry["kind"] == "reserve" else -entry["amount"]
        return [generation for generation, amount in held.items() if amount > 0]


def request(user, generation, kind="valid", prompt="A paper boat", **fields):
    # The sandbox counts its tasks by the name in the mark.
    value = {"generationId": generation, "userId": user, "prompt": f"[id:{generation}] {prompt}", **fields}
    return Ask(user, value, kind, generation, "ratio" if kind == "invalid" else None)


def _state(pid):
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return stat.read().rpartition(b")")[2].split()[0].decode()
