"""How long recovery takes: a rebuild of a long journal beside the plain pipelined rate of the replay script on the same
Redis, and the pause that a FLUSHALL makes under load. See ./run --help for the benchmarks of the daily work."""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zlib

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path[:0] = [os.path.join(ROOT, "deploy", "lib"), os.path.join(ROOT, "tests", "system")]

from confluent_kafka import Producer  # noqa: E402

from rig import Rig  # noqa: E402
from stack import kafka, programs  # noqa: E402
from stack.process import wait_until  # noqa: E402

BIN = os.environ.get("REELGATE_BIN", os.path.join(ROOT, "build", "release"))
USERS = 1000
UNDER_WAY = 3000        # generations that are rendered at a time
LOAD_USERS, BETWEEN_SECONDS = 50, 6
FINGERPRINT = "00112233445566778899aabbccddeeff"


def say(words):
    print(words, file=sys.stderr, flush=True)


# ---- a journal of a given length


def entry(kind, user, name, number, amount):
    said = {"kind": kind, "userId": user, "amount": amount, "origin": f"bench.{kind}/0@{number}",
            "balance": {"granted": 2**30, "available": 2**30, "reserved": 0, "spent": 0},
            "at": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())}
    if kind == "grant":
        return {**said, "grantId": name}
    said["generationId"] = name
    if kind == "reserve":
        said["fingerprint"] = FINGERPRINT
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


def fill(rig, count):
    producer = Producer({"bootstrap.servers": rig.kafka, "linger.ms": 20, "compression.type": "lz4",
                         "queue.buffering.max.messages": 1000000})
    headers = {"ce_specversion": "1.0", "ce_type": "reelgate.tokens.entry", "ce_source": "bench",
               "content-type": "application/json"}
    buckets, made = len(rig._journal_partitions), 0
    for user, said in entries(count):
        while True:
            try:
                producer.produce(rig.prefix + "journal", json.dumps(said, separators=(",", ":")), user, headers=headers,
                                 partition=zlib.crc32(user.encode()) % buckets)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
        made += 1
    assert producer.flush(300) == 0
    return made


# ---- rebuild


class Used:
    """What the main threads of some processes did meanwhile. The rest of Redis's time is its disk, or idle."""

    def __init__(self, processes):
        self.processes, self.began = processes, time.monotonic()
        self.before = {name: self.now(process) for name, process in processes.items()}

    @staticmethod
    def now(process):
        with open(f"/proc/{process.pid}/task/{process.pid}/schedstat", encoding="ascii") as file:
            return [int(word) / 1e9 for word in file.read().split()[:2]]

    def words(self):
        took = time.monotonic() - self.began
        spent = {name: [now - was for now, was in zip(self.now(process), self.before[name])]
                 for name, process in self.processes.items()}
        return f"of {took:.1f} s " + ", ".join(f"{name} ran {ran:.1f} s and waited {waited:.1f} s for a CPU"
                                               for name, (ran, waited) in spent.items())


def plain(rig, count):
    """The replay script alone, pipelined, on the same Redis: the limit that Redis sets."""
    done = subprocess.run([os.path.join(BIN, "tests", "bench", "bench-plain"), rig.stack.redis_url,
                           str(len(rig._journal_partitions)), "replay", "0", str(count)],
                          capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)["rate"]


def rebuild(rig, count):
    say(f"writing a journal of {count} entries")
    made = fill(rig, count)
    began = time.monotonic()
    ledger = rig.start("ledger", ready=False)
    programs.wait_ready({"ledger-0": ledger}, seconds=600)
    cold = time.monotonic() - began
    used = Used({"ledger": ledger, "Redis": rig.stack.processes["redis"]})
    done = rig.reelgate("rebuild", "--json", timeout=600)
    words = used.words()
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    seconds = json.loads(done.stdout)["durationMs"] / 1000
    ledger.kill()
    limit = plain(rig, count)
    print(f"rebuild of {made} entries, {len(rig._journal_partitions)} buckets: {seconds:.1f} s, {made / seconds:.0f} a "
          f"second (the first, on an empty Redis: {cold:.1f} s); {words}")
    print(f"the replay script alone, pipelined, same Redis: {limit:.0f} a second; ratio {made / seconds / limit:.2f}"
          f", of the first {made / cold / limit:.2f} (aim: above 0.80)", flush=True)


# ---- FLUSHALL under load


def publish_steadily(rig, rate, stop):
    """rate requests a second, each a generation of its own, until stop is set."""
    began, number = time.monotonic(), 0
    while not stop.is_set():
        due = int((time.monotonic() - began) * rate)
        while number < due:
            user = f"user-{number % LOAD_USERS:02}"
            rig.publish("requests", {"generationId": f"g{number:06}", "userId": user, "prompt": "A paper boat"}, key=user)
            number += 1
        rig.producer.poll(0)
        time.sleep(0.005)
    rig.flush()


def watch(rig, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        rig.observer.poll(0.2)


def flush_under_load(rig):
    """Returns when it was, on the clock that the records' times are of."""
    flushed, verified = time.time() * 1000, len(rig.facts("ledger-0", "recovery_verified"))
    rig.redis.flushall()
    wait_until(lambda: rig.observer.poll(0.05) is not None
               and len(rig.facts("ledger-0", "recovery_verified")) >= verified + rig.bucket_count, 300, "all buckets")
    return flushed


def pause(rig, rate, rounds, count):
    fill(rig, count)
    rig.start_workers()
    for number in range(LOAD_USERS):
        user = f"user-{number:02}"
        rig.publish("grants", {"grantId": f"start-{user}", "userId": user, "amount": 10**6}, key=user)
    rig.flush()
    wait_until(lambda: all(rig.balance(f"user-{n:02}")["available"] for n in range(LOAD_USERS)), 60, "grants")
    stop, flushes = threading.Event(), []
    load = threading.Thread(target=publish_steadily, args=(rig, rate, stop))
    load.start()
    try:
        for _ in range(rounds):
            watch(rig, BETWEEN_SECONDS)
            flushes.append(flush_under_load(rig))
        watch(rig, BETWEEN_SECONDS)
    finally:
        stop.set()
        load.join()
    for name in ("admission-0", "ledger-0"):
        rig.stack.processes[name].kill()
    limit = plain(rig, count)
    for at in flushes:
        report_pause(rig, rate, at, limit)


def logged_ms(fact):
    return datetime.datetime.fromisoformat(fact["ts"]).timestamp() * 1000


def report_pause(rig, rate, at, limit):
    """From the last acceptance before FLUSHALL to the first one after it, and whose time that was."""
    accepted = [(seen.timestamp_ms, seen.data["userId"]) for seen in rig.observer.results()
                if seen.type == "generation.accepted"]
    verified = [fact for fact in rig.facts("ledger-0", "recovery_verified") if logged_ms(fact) > at][:rig.bucket_count]
    begun = min(logged_ms(fact) for fact in rig.facts("ledger-0", "recovery_begun") if logged_ms(fact) > at)
    ended, count = max(logged_ms(fact) for fact in verified), sum(fact["entries"] for fact in verified)
    before, firsts = max(t for t, _ in accepted if t <= at), {}
    for t, user in accepted:
        if t >= min(map(logged_ms, verified)):
            firsts[user] = min(t, firsts.get(user, t))
    print(f"FLUSHALL at {rate} requests/s, journal of {count} entries: no acceptance for {min(firsts.values()) - before:.0f}"
          f" ms. Noticed after {begun - at:.0f} ms, replayed in {ended - begun:.0f} ms ({1000 * count / (ended - begun):.0f} a "
          f"second; the script alone {limit:.0f}), then {min(firsts.values()) - ended:+.0f} ms to the first acceptance, "
          f"{max(firsts.values()) - ended:+.0f} ms until each of {len(firsts)} users had one", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/rebuild.py", description=__doc__)
    parser.add_argument("--entries", type=int, default=1000000)
    parser.add_argument("--pause-entries", type=int, default=50000)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("rebuild", "pause"))
    chosen = parser.parse_args()
    directory = os.path.join(ROOT, "build", "bench", "rebuild")
    shutil.rmtree(directory, ignore_errors=True)
    broker = kafka.start(os.path.join(directory, "kafka"), os.path.join(ROOT, "build", "kafka", "libs"))
    try:
        kafka.wait(broker)
        for name, run in (("rebuild", lambda rig: rebuild(rig, chosen.entries)),
                          ("pause", lambda rig: pause(rig, chosen.rate, chosen.rounds, chosen.pause_entries))):
            if chosen.only in (None, name):
                rig = Rig(os.path.join(directory, name), bin_dir=BIN, kafka=f"127.0.0.1:{broker.more['port']}",
                          prefix=name + ".", sandbox={})
                try:
                    run(rig)
                finally:
                    rig.close()
    finally:
        broker.kill()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
