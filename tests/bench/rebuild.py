"""How long recovery takes: a rebuild of a long journal beside the plain pipelined rate of the replay script on the same
Redis, and the pause that a FLUSHALL makes under load. See ./run --help for the benchmarks of the daily work."""

import argparse
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

BIN = os.environ.get("REELGATE_BIN", os.path.join(ROOT, "build", "release"))
USERS = 1000
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
    users = [f"bench-{number:04}" for number in range(USERS)]
    for number, user in enumerate(users):
        yield user, entry("grant", user, f"grant-{user}", number, 2**30)
    for number in range((count - USERS) // 2):
        user, name = users[number % USERS], f"bench-generation-{number:08}"
        yield user, entry("reserve", user, name, number, 1)
        yield user, entry("commit", user, name, number, 1)


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


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        row = file.read().rpartition(")")[2].split()
    return (int(row[11]) + int(row[12])) / os.sysconf("SC_CLK_TCK")


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
    ledger = rig.start("ledger", ready=False, log_level="warn")
    programs.wait_ready({"ledger-0": ledger}, seconds=600)
    cold = time.monotonic() - began
    before = cpu_seconds(ledger), cpu_seconds(rig.stack.processes["redis"])
    done = rig.reelgate("rebuild", "--json", timeout=600)
    used = [cpu_seconds(process) - was for process, was in zip((ledger, rig.stack.processes["redis"]), before)]
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    seconds = json.loads(done.stdout)["durationMs"] / 1000
    ledger.kill()
    limit = plain(rig, min(count, 300000))
    print(f"rebuild of {made} entries, {len(rig._journal_partitions)} buckets: {seconds:.1f} s, {made / seconds:.0f} a "
          f"second (the first, on an empty Redis: {cold:.1f} s)")
    print(f"the replay script alone, pipelined, same Redis: {limit:.0f} a second; ratio {made / seconds / limit:.2f}; "
          f"cpu: ledger {used[0]:.1f} s, Redis {used[1]:.1f} s")


# ---- FLUSHALL under load


def publish_steadily(rig, rate, stop):
    """rate requests a second, each a generation of its own, until stop is set."""
    began, number = time.monotonic(), 0
    while not stop.is_set():
        due = int((time.monotonic() - began) * rate)
        while number < due:
            user = f"user-{number % 50:02}"
            rig.publish("requests", {"generationId": f"g{number:06}", "userId": user, "prompt": "A paper boat"}, key=user)
            number += 1
        rig.producer.poll(0)
        time.sleep(0.005)
    rig.flush()
    return number


def accepted_times(rig, since_ms):
    """When, by the broker's record of our own clock, each acceptance was written."""
    return sorted(seen.timestamp_ms for seen in rig.observer.results()
                  if seen.type == "generation.accepted" and seen.timestamp_ms >= since_ms)


def pause(rig, rate, rounds):
    rig.start_workers(log_level="info")
    for number in range(50):
        user = f"user-{number:02}"
        rig.publish("grants", {"grantId": f"start-{user}", "userId": user, "amount": 10**6}, key=user)
    rig.flush()
    rig.observer.until(lambda: all(rig.balance(f"user-{n:02}")["available"] for n in range(50)), 60, "grants")
    stop, flushes = threading.Event(), []
    load = threading.Thread(target=publish_steadily, args=(rig, rate, stop))
    load.start()
    try:
        for _ in range(rounds):
            until = time.monotonic() + 8
            while time.monotonic() < until:
                rig.observer.poll(0.2)
            flushes.append(time.time() * 1000)
            rig.redis.flushall()
        until = time.monotonic() + 8
        while time.monotonic() < until:
            rig.observer.poll(0.2)
    finally:
        stop.set()
        load.join()
    for at in flushes:
        report_pause(rig, at)


def report_pause(rig, at):
    times = accepted_times(rig, 0)
    before = max(t for t in times if t <= at)
    after = min(t for t in times if t > at + 5)
    verified = [fact for fact in rig.facts("ledger-0", "recovery_verified")]
    print(f"FLUSHALL: last acceptance {at - before:.0f} ms before it, first {after - at:.0f} ms after it; "
          f"{len(verified)} recoveries logged so far")


def main():
    parser = argparse.ArgumentParser(prog="tests/bench/rebuild.py", description=__doc__)
    parser.add_argument("--entries", type=int, default=1000000)
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
                          ("pause", lambda rig: pause(rig, chosen.rate, chosen.rounds))):
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
