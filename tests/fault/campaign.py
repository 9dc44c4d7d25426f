"""A campaign: load and faults from a seed, then quiet, then every invariant of hazards section 8 is judged from
outside.

campaign = Campaign(World(directory), seed=7, seconds=600)
findings = campaign.run()            # [] when every promise was kept
"""

import heapq
import itertools
import json
import signal
import time
from collections import Counter

from redis import RedisError

import menu
import oracle
from crowd import Crowd
from stack import programs

TURN_SECONDS = 0.05
END_SECONDS = 30  # a program that was asked to end: its drain of 10 s, five more, and a busy machine
READY_SECONDS = 180
QUIET_SECONDS = 900  # the longest wait of all: a create of which nothing is known, behind a daily limit
LOOK_SECONDS = 2  # between two looks at the accounts while it runs


class Campaign:
    def __init__(self, world, seed, seconds, *, per_second=15, say=print):
        self.world, self.seed, self.seconds = world, seed, seconds
        self.crowd = Crowd(seed, per_second)
        self.plan = menu.plan(seed, seconds)
        self.say = say
        self.busy = set()  # what a fault is on
        self.done, self.skipped = Counter(), Counter()
        self.kills = 0
        self.ended_by_itself = Counter()  # (program, status) -> how often a supervisor had to restart it
        self.findings = []
        self.looks = 0
        self._ends = []  # heap: (when, number, what)
        self._number = itertools.count()
        self._wanted = {f"{program}-0" for program in programs.WORKERS}
        self._leaving = {}  # name -> when it must have ended
        self._again = {}  # name -> when it is started again

    # ---- for the faults

    def take(self, thing):
        if thing in self.busy:
            raise menu.Skipped
        self.busy.add(thing)

    def give(self, thing):
        self.busy.discard(thing)

    def bring_back(self, name):
        """A killed program is started again, one that was asked to end once it has."""
        self.give(name)

    def ask_to_end(self, name):
        if name in self._leaving:
            raise menu.Skipped  # asked twice it would end at once, which no supervisor wants
        self.world.stack.processes[name].signal(signal.SIGTERM)
        self._leaving[name] = time.monotonic() + END_SECONDS

    def scale(self, program, count):
        """The first count slots shall run, the others end."""
        for slot in range(menu.SLOTS):
            name = f"{program}-{slot}"
            if slot < count:
                self._wanted.add(name)
            elif name in self._wanted:
                self._wanted.discard(name)
                process = self.world.stack.processes.get(name)
                if process is not None and process.alive() and name not in self._leaving:
                    self.ask_to_end(name)

    # ---- the supervisor

    def _find(self, text):
        self.findings.append(text)
        self.say(f"  FINDING {text}")

    def _watch(self, name, process):
        """Whoever ended: as asked, killed by us, or by itself."""
        status = process.exit_status()
        del self.world.stack.processes[name]
        asked = self._leaving.pop(name, None) is not None
        if status == -signal.SIGKILL or (asked and status == 0):
            return
        program = name.rpartition("-")[0]
        # librdkafka's own assertions end a process as kill -9 does: that has to be borne, and is told.
        librarys = (
            status == -signal.SIGABRT and "rdkafka_" in process.said().rpartition("Assertion `")[0][-200:]
        )
        self.ended_by_itself[
            f"{program} by an assertion of librdkafka" if librarys else f"{program} {status}"
        ] += 1
        self._again[name] = time.monotonic() + 1  # as a supervisor does
        if status not in (0, 3) and not librarys:
            self._find(f"{name} ended with status {status}")

    def _supervise(self):
        now = time.monotonic()
        for name, process in list(self.world.stack.processes.items()):
            if name.rpartition("-")[0] in programs.WORKERS and not process.alive():
                self._watch(name, process)
        for name, limit in list(self._leaving.items()):
            if name in self.busy:  # paused, it may take its time
                self._leaving[name] = now + END_SECONDS
            elif now >= limit:
                self._find(f"{name} did not end within {END_SECONDS} s of SIGTERM")
                self.world.stack.processes[name].signal(signal.SIGKILL)
                self._leaving[name] = now + END_SECONDS
        for name in sorted(self._wanted - set(self.world.stack.processes) - self.busy):
            if now >= self._again.get(name, 0):
                program, _, slot = name.rpartition("-")
                self.world.start(program, int(slot), ready=False)

    # ---- always, not only in the end

    def _look_at_accounts(self):
        """No account is ever seen that does not add up; in a verified bucket none is below zero."""
        self.looks += 1
        for user in self.crowd.grants:
            bucket = self.world.bucket(user)
            with self.world.redis.pipeline(transaction=True) as pipeline:
                pipeline.hget(f"rg:{{{bucket}}}:meta", "verified")
                pipeline.hgetall(f"rg:{{{bucket}}}:user:{user}")
                verified, stored = pipeline.execute()
            parts = {part: int(stored.get(part, 0)) for part in ("granted", "available", "reserved", "spent")}
            if parts["granted"] != parts["available"] + parts["reserved"] + parts["spent"]:
                self._find(f"{user}: {parts} does not add up")
            if verified and min(parts["reserved"], parts["spent"]) < 0:
                self._find(f"{user}: {parts} is below zero")

    def _look(self):
        if "redis" in self.busy:
            return
        try:
            self._look_at_accounts()
        except (OSError, RedisError):
            pass  # Redis is away or full of somebody else's connections: looked at again soon

    # ---- the story

    def _begin(self, step):
        try:
            lasts = menu.FAULTS[step.kind].begin(self, **step.details)
        except menu.Skipped:
            self.skipped[step.kind] += 1
            return
        self.done[step.kind] += 1
        self.say(f"  {step}")
        if lasts is not None:
            seconds, end = lasts
            heapq.heappush(self._ends, (time.monotonic() + seconds, next(self._number), end))

    def _end_faults(self, until):
        while self._ends and self._ends[0][0] <= until:
            heapq.heappop(self._ends)[2]()

    def _turn(self):
        self._end_faults(time.monotonic())
        self._supervise()
        self.world.producer.poll(0)
        self.world.observer.poll(TURN_SECONDS)

    def _storm(self):
        began = last = time.monotonic()
        looked = began
        steps = list(reversed(self.plan))
        while (now := time.monotonic()) - began < self.seconds:
            while steps and steps[-1].at <= now - began:
                self._begin(steps.pop())
            self.crowd.tick(self.world, now - last)
            last = now
            if now - looked >= LOOK_SECONDS:
                looked = now
                self._look()
            self._turn()

    def _calm(self):
        """Everything works again; what was asked comes to its end."""
        self._end_faults(float("inf"))
        for proxy in self.world.proxies:
            proxy.clear()
        self.world.provider_well()
        began = time.monotonic()
        while not (self._settled() or time.monotonic() - began > QUIET_SECONDS):
            limit = time.monotonic() + 1
            while time.monotonic() < limit:
                self._turn()
        if (left := self.world.producer.flush(60)) != 0:
            self._find(f"Kafka did not take {left} messages of ours")
        self.calm_seconds = time.monotonic() - began
        if not self._settled():
            self._find(f"not quiet after {QUIET_SECONDS} s: {self._unsettled()}")

    def _unsettled(self):
        """What is still to come, in words."""
        if len(self.world.producer) > 0:
            return ["messages that Kafka has not taken"]
        waiting = [
            f"{name} {self.world.observer.types(name)}"
            for name in self.crowd.by_generation()
            if not {"rejected", *oracle.ENDS} & set(self.world.observer.types(name))
            or self.world.observer.types(name)[-1] in ("accepted", "submitted")
        ]
        if waiting:
            return waiting[:10]
        try:
            buckets = self.world.buckets()
        except RedisError as trouble:
            return [str(trouble)]
        unready = [name for name in sorted(self._wanted) if not self._ready(name)]
        return [
            f"bucket {bucket}: {state}" for bucket, state in buckets.items() if not state[0] or state[1]
        ] + unready

    def _ready(self, name):
        process = self.world.stack.processes.get(name)
        return process is not None and process.alive() and programs.ready(process.more["health"])

    def _settled(self):
        return not self._unsettled()

    def run(self):
        """Everything, to the verdict. Returns the findings."""
        for name in sorted(self._wanted):
            self.world.start(name.rpartition("-")[0], ready=False)
        programs.wait_ready({name: self.world.stack.processes[name] for name in self._wanted}, READY_SECONDS)
        self.crowd.start(self.world)
        self._storm()
        self._calm()
        self._judge()
        return self.findings

    # ---- the verdict

    def _judge(self):
        self.world.observer.to_the_end(limit_seconds=120)
        self.verdicts = {}
        for rule in oracle.RULES:
            differences = list(rule(self.world, self.crowd))
            self.verdicts[rule] = len(differences)
            for difference in differences[:10]:
                self._find(f"{rule.__name__}: {difference}")
            self.findings += [f"{rule.__name__}: {difference}" for difference in differences[10:]]
        for flaw in self.world.flaws_in_logs():
            self._find(f"a program says {flaw}")
        for proxy in self.world.proxies:
            for flaw in proxy.flaws:
                self._find(f"the proxy itself: {flaw}")

    def report(self):
        """What was done and what came of it."""
        results = Counter(seen.type.removeprefix("generation.") for seen in self.world.observer.results())
        unknown = sum(oracle.unknown(self.world, name) for name in self.crowd.by_generation())
        met = sum((proxy.met for proxy in self.world.proxies), Counter())
        told = lambda counter: ", ".join(f"{count} {name}" for name, count in counter.most_common()) or "none"
        yield f"seed {self.seed}, {self.seconds:.0f} s of faults, quiet after {self.calm_seconds:.0f} s more"
        yield f"  messages published {len(self.world.published)}, generations {len(self.crowd.by_generation())}"
        yield f"  results: {told(results)}; {unknown} of the failed are submission_unknown"
        yield f"  dead letters {len(self.world.observer.seen['dead-letters'])}"
        yield f"  kills -9 {self.kills}; ended by themselves and restarted: {told(self.ended_by_itself)}"
        yield f"  faults begun {sum(self.done.values())}: {told(self.done)}"
        yield f"  skipped, for want of something to do it to: {told(self.skipped)}"
        yield f"  the proxies met {sum(met.values())} messages: {told(met)}"
        yield f"  the programs said: {told(self._said())}"
        yield f"  accounts looked at {self.looks} times while it ran"
        for rule, count in self.verdicts.items():
            words = " ".join(rule.__doc__.split("\n\n")[0].split())
            yield f"  {'ok  ' if count == 0 else 'FAIL'} {rule.__name__}: {words}" + (
                f" [{count}]" if count else ""
            )
        yield f"  {len(self.findings)} findings"

    def _said(self):
        """Facts of the logs at warn and above, and some that show that a rare path was taken."""
        rare = {"bucket_verified", "call_found_again", "intent_unused", "breaker_closed", "bucket_recovered"}
        said = Counter()
        for name in {f"{program}-{slot}" for program in programs.WORKERS for slot in range(menu.SLOTS)}:
            try:
                lines = self.world.log_text(name).splitlines()
            except OSError:
                continue
            for line in lines:
                try:
                    fact = json.loads(line)
                except ValueError:
                    continue
                if fact.get("level") in ("warn", "error", "fatal") or fact.get("msg") in rare:
                    said[fact["msg"]] += 1
        return said
