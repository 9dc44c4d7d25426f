"""How long recovery takes. Rebuild: of a long journal, beside the plain pipelined rate of the replay script on the same Redis.
Pause: what a FLUSHALL costs those who wait for a decision, and whose time that is. See ./run."""

import datetime
import json
import statistics
import threading
import time

from stack import programs
from stack.process import wait_until

USERS = 1000
UNDER_WAY = 3000        # generations that are rendered at a time
LOAD_USERS, LOAD_RATE, BETWEEN_SECONDS, ROUNDS = 50, 500, 6, 3
HEADERS = {"ce_specversion": "1.0", "ce_type": "reelgate.tokens.entry", "ce_source": "bench",
           "content-type": "application/json"}


# ---- a journal of a given length: bench-plain replay makes the same one


def entry(kind, user, name, number, amount):
    said = {"kind": kind, "userId": user, "amount": amount, "origin": f"bench.{kind}/0@{number}",
            "balance": {"granted": 2**30, "available": 2**30, "reserved": 0, "spent": 0},
            "at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())}
    if kind == "grant":
        return {**said, "grantId": name}
    said["generationId"] = name
    if kind == "reserve":
        said["fingerprint"] = "00112233445566778899aabbccddeeff"
        said["quote"] = {"model": "gen4.5", "units": 1, "tokens": amount, "policyVersion": "bench"}
    return said


def entries(count):
    """A grant for each user; then reserve and commit in turn, the commit of what was reserved UNDER_WAY generations before."""
    users = [f"bench-{number:04}" for number in range(USERS)]
    name = "bench-generation-{:08}".format
    for number, user in enumerate(users):
        yield user, entry("grant", user, f"grant-{user}", number, 2**30)
    for number in range((count - USERS) // 2):
        yield users[number % USERS], entry("reserve", users[number % USERS], name(number), number, 1)
        ended = number - UNDER_WAY
        if ended >= 0:
            yield users[ended % USERS], entry("commit", users[ended % USERS], name(ended), ended, 1)


def write_journal(rig, count, tools):
    tools.say(f"writing a journal of {count} entries")
    tools.fill(rig, "journal", ((user, json.dumps(said, separators=(",", ":")), HEADERS) for user, said in entries(count)),
               partition_of=rig.bucket)


# ---- rebuild


class Busy:
    """What a process did meanwhile, by looking at its main thread every few milliseconds."""

    STATES = {"R": "on a CPU or waiting for one", "D": "waiting for its disk", "S": "idle"}

    def __init__(self, process):
        self.path, self.seen, self.stop = f"/proc/{process.pid}/task/{process.pid}/stat", [], threading.Event()
        self.looks = threading.Thread(target=self.look)
        self.looks.start()

    def look(self):
        while not self.stop.wait(0.005):
            with open(self.path, encoding="ascii") as file:
                self.seen.append(file.read().rpartition(") ")[2][0])

    def words(self):
        self.stop.set()
        self.looks.join()
        return "Redis " + ", ".join(f"{100 * self.seen.count(state) / len(self.seen):.0f} % {words}"
                                    for state, words in self.STATES.items())


def rebuild(rig, count, tools, figures):
    write_journal(rig, count, tools)
    made = count - UNDER_WAY
    began = time.monotonic()
    ledger = rig.start("ledger", ready=False)
    programs.wait_ready({"ledger-0": ledger}, seconds=900)
    first = time.monotonic() - began
    busy = Busy(rig.stack.processes["redis"])
    done = rig.reelgate("rebuild", "--json", timeout=900)
    words = busy.words()
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    seconds = json.loads(done.stdout)["durationMs"] / 1000
    ledger.kill()
    limit = tools.plain(rig, "replay", 0, count)
    figures["rebuild_seconds"], figures["rebuild_entries_per_second"] = seconds, made / seconds
    figures["rebuild_ratio"] = made / seconds / limit
    tools.say(f"rebuild    {made} entries in {seconds:.1f} s, {made / seconds:.0f}/s; plain replay {limit:.0f}/s; ratio "
              f"{made / seconds / limit:.2f} (aim: above 0.80); {words}")
    tools.say(f"           at the ledger's start, on an empty Redis: {first:.1f} s, ratio {made / first / limit:.2f}")


# ---- FLUSHALL under load


def publish_steadily(rig, stop, published):
    """LOAD_RATE requests a second, each a generation of its own, until stop is set."""
    began = time.monotonic()
    while not stop.is_set():
        due = int((time.monotonic() - began) * LOAD_RATE)
        while len(published) < due:
            name, user = f"g{len(published):06}", f"user-{len(published) % LOAD_USERS:02}"
            rig.publish("requests", {"generationId": name, "userId": user, "prompt": "A paper boat"}, key=user)
            published.append(name)
        rig.producer.poll(0)
        time.sleep(0.005)
    rig.flush()


def watch(rig, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        rig.observer.poll(0.2)


def flush_under_load(rig):
    """When it was, on the clock that the records' times are of, how long it took, and what Redis did until it was whole."""
    flushed, verified = time.time() * 1000, len(rig.facts("ledger-0", "recovery_verified"))
    rig.redis.flushall()
    took, busy = time.time() * 1000 - flushed, Busy(rig.stack.processes["redis"])
    wait_until(lambda: rig.observer.poll(0.05) is not None
               and len(rig.facts("ledger-0", "recovery_verified")) >= verified + rig.bucket_count, 300, "all buckets")
    return {"at": flushed, "flush": took, "busy": busy.words()}


def pause(rig, count, tools, figures):
    write_journal(rig, count, tools)
    rig.start_workers()
    for number in range(LOAD_USERS):
        user = f"user-{number:02}"
        rig.publish("grants", {"grantId": f"start-{user}", "userId": user, "amount": 10**6}, key=user)
    rig.flush()
    wait_until(lambda: all(rig.balance(f"user-{n:02}")["available"] for n in range(LOAD_USERS)), 60, "grants")
    stop, published, flushes = threading.Event(), [], []
    load = threading.Thread(target=publish_steadily, args=(rig, stop, published))
    load.start()
    try:
        for _ in range(ROUNDS):
            watch(rig, BETWEEN_SECONDS)
            flushes.append(flush_under_load(rig))
        watch(rig, BETWEEN_SECONDS)
    finally:
        stop.set()
        load.join()
    last = published[-LOAD_USERS:]
    rig.observer.until(lambda: all("accepted" in rig.observer.types(name) for name in last), 120, "the last acceptances")
    for name in ("admission-0", "ledger-0"):
        rig.stack.processes[name].kill()
    limit = tools.plain(rig, "replay", 0, count)
    parts = [{**flush, **parts_of_pause(rig, flush["at"], flush["flush"])} for flush in flushes]
    for row in parts:
        tools.say(f"flushall   {LOAD_RATE} requests/s, {row['entries']} entries: no acceptance for {row['pause']:.0f} ms: flushed in "
                  f"{row['flush']:.0f}, noticed after {row['noticed']:.0f}, replayed in {row['replay']:.0f} ({1000 * row['entries'] / row['replay']:.0f}/s; "
                  f"plain replay {limit:.0f}/s), then {row['after']:.0f} ms; {row['everybody']:.0f} ms until each user had one; "
                  f"{row['busy']}")
    for name in ("pause", "flush", "noticed", "replay", "after"):
        figures[f"flushall_{name}_ms"] = statistics.median(row[name] for row in parts)


def logged_ms(fact):
    return datetime.datetime.fromisoformat(fact["ts"]).timestamp() * 1000


def parts_of_pause(rig, at, took):
    """From the last acceptance before FLUSHALL to the first one after the replay, and whose time that was."""
    def after_flush(name):
        return [fact for fact in rig.facts("ledger-0", name) if logged_ms(fact) > at][:rig.bucket_count]

    accepted = [(seen.timestamp_ms, seen.data["userId"]) for seen in rig.observer.results()
                if seen.type == "generation.accepted"]
    verified, begun = after_flush("recovery_verified"), min(map(logged_ms, after_flush("recovery_begun")))
    ended, firsts = max(map(logged_ms, verified)), {}
    for t, user in accepted:
        if t >= min(map(logged_ms, verified)):
            firsts[user] = min(t, firsts.get(user, t))
    before, after = max(t for t, _ in accepted if t <= at), min(firsts.values())
    return {"pause": after - before, "noticed": begun - at - took, "replay": ended - begun, "after": after - ended,
            "everybody": max(firsts.values()) - ended, "entries": sum(fact["entries"] for fact in verified)}
