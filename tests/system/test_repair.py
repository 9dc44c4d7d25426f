"""What a lost or torn transaction (hazards K1) leaves behind is found by the audit and mended by `reelgate repair`, from the
answer that Redis recorded. The loss is played: offsets are committed, or a done mark is written, and what should have come
with it is not there."""

import hashlib
import json
import os
import urllib.request

import pytest
from confluent_kafka import Consumer, TopicPartition

from places import ROOT
from stack import programs
from stack.process import wait_until

POLICY = "--policy=" + os.path.join(ROOT, "deploy", "policy.json")


@pytest.fixture(scope="module")
def used(rig):
    rig.grant_and_wait("ada", 9)
    rig.request("first", "ada", prompt="[run:100ms] A first boat")
    rig.observer.until(lambda: "completed" in rig.observer.types("first"), 60, "the first one completed")
    wait_until(lambda: rig.balance("ada")["spent"] == 1, 30, "its settlement")
    return rig


def audit(rig, wanted):
    done = rig.reelgate("audit", "--settle-ms=0", "--json")
    kinds = {row["kind"] for row in json.loads(done.stdout)["differences"]}
    assert kinds == set(wanted), done.stdout + done.stderr
    assert done.returncode == (1 if wanted else 0)


def repair(rig, *more, status=0):
    done = rig.reelgate("repair", "--settle-ms=0", *more)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def settled_books(rig, **parts):
    wait_until(lambda: rig.balance("ada") == parts, 60, f"the books {parts}")
    wait_until(lambda: rig.reelgate("audit", "--settle-ms=0").returncode == 0, 30, "a clean audit")


def stopped(rig, program):
    assert rig.stack.processes[f"{program}-0"].stop(30)


def commit_past(rig, group, topic, partition, offset):
    """The group's own offset behind a record that its worker has not seen: as if its outputs had been lost."""
    consumer = Consumer({"bootstrap.servers": rig.kafka, "group.id": rig.prefix + group, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(rig.prefix + topic, partition, offset + 1)], asynchronous=False)
    consumer.close()


def hold_in_redis(rig, generation, user, origin, prompt):
    """What admission's script would have left of a request: a hold of one token, with its recorded answer."""
    key = lambda kind, name: f"rg:{{{rig.bucket(user)}}}:{kind}:{name}"
    kept = rig.redis.hgetall(key("gen", "first"))
    fingerprint = lambda words: hashlib.sha256(json.dumps({"prompt": words}, separators=(",", ":")).encode()).hexdigest()
    assert kept["fingerprint"] == fingerprint("[run:100ms] A first boat"), "the canonical form is not what it was"
    books = rig.balance(user)
    books["available"] -= 1
    books["reserved"] += 1
    at = kept["answer"].split()[5]
    answer = " ".join(
        ["1", *(str(books[part]) for part in ("granted", "available", "reserved", "spent")), at, *kept["answer"].split()[6:]]
    )
    row = {"user": user, "state": "reserved", "origin": origin, "fingerprint": fingerprint(prompt), "tokens": 1, "answer": answer}
    rig.redis.hset(key("gen", generation), mapping=row)
    rig.redis.hset(key("user", user), mapping=books)
    rig.redis.zadd(f"rg:{{{rig.bucket(user)}}}:open", {generation: at})


def asked(rig, generation, prompt):
    """A request that nobody has read; where it lies."""
    rig.request(generation, "ada", prompt=prompt)
    topic, partition, offset, _ = rig.published[-1]
    return partition, offset, f"{rig.prefix}{topic}/{partition}@{offset}"


def test_a_decision_that_was_lost_is_written_again(used):
    stopped(used, "admission")
    partition, offset, origin = asked(used, "lost", "[run:100ms] A lost boat")
    hold_in_redis(used, "lost", "ada", origin, "[run:100ms] A lost boat")
    audit(used, ["balance_differs", "generation_not_in_journal"])
    # Admission has not committed past it: it will write all of it by itself, and twice would be wrong.
    assert "left: admission has not committed past its request" in repair(used, POLICY, "--yes", status=1)
    audit(used, ["balance_differs", "generation_not_in_journal"])

    commit_past(used, "admission", "requests", partition, offset)
    said = repair(used, POLICY, status=1)
    for words in ("write its reserve entry", "announce its acceptance", "make its job from the request once more"):
        assert f"lost: {words}" in said
    assert used.observer.types("lost") == [], "nothing was agreed to"
    repair(used, POLICY, "--yes")
    used.observer.until(lambda: "completed" in used.observer.types("lost"), 60, "the lost one completed")
    assert used.observer.types("lost") == ["accepted", "submitted", "completed"]
    settled_books(used, granted=9, available=7, reserved=0, spent=2)
    assert repair(used) == ""
    used.start("admission")


def lose_item(rig, program, topic, generation):
    """Its worker's done mark is there, and nothing that should have come with it."""
    stopped(rig, program)
    rig.observer.to_the_end()
    item = [seen for seen in rig.observer.seen[topic] if seen.key == generation.encode() and seen.value][-1]
    rig.producer.produce(
        rig.prefix + topic, b"", generation, partition=item.partition, headers={"mark": "done", "item": str(item.offset)}
    )
    rig.flush()
    rig.start(program)


def test_a_task_without_its_verdict_is_looked_at_again(used):
    used.request("slow", "ada", prompt="[run:3s] A slow boat")
    used.observer.until(lambda: "submitted" in used.observer.types("slow"), 60, "the slow one submitted")
    made = used.tasks_created()
    lose_item(used, "poller", "tasks", "slow")
    audit(used, ["hold_without_item"])
    assert "slow: write its task again" in repair(used, "--yes")
    used.observer.until(lambda: "completed" in used.observer.types("slow"), 60, "the slow one completed")
    assert used.tasks_created() == made, "nothing was submitted for it"
    settled_books(used, granted=9, available=6, reserved=0, spent=3)


def test_a_job_that_was_never_submitted_is_written_again(used):
    stopped(used, "generator")
    used.request("waits", "ada", prompt="[run:100ms] A patient boat")
    used.observer.until(lambda: "accepted" in used.observer.types("waits"), 60, "the waiting one accepted")
    lose_item(used, "generator", "jobs", "waits")
    audit(used, ["hold_without_item"])
    assert "waits: write its job again" in repair(used, "--yes")
    used.observer.until(lambda: "completed" in used.observer.types("waits"), 60, "the waiting one completed")
    settled_books(used, granted=9, available=5, reserved=0, spent=4)


def test_a_grant_without_its_entry_is_written(used):
    """Its record in Redis, of a message that the ledger has committed past; and a balance that nobody can explain."""
    topic, partition, offset, _ = next(row for row in used.published if row[0] == "grants")
    bucket = f"rg:{{{used.bucket('ada')}}}"
    origin = f"{used.prefix}{topic}/{partition}@{offset}"
    row = {"user": "ada", "state": "done", "amount": 2, "origin": origin, "answer": "2 11 7 0 4 1763878493000"}
    used.redis.hset(f"{bucket}:grant:gift", mapping=row)
    used.redis.hset(f"{bucket}:user:ada", mapping={"granted": 11, "available": 7})
    audit(used, ["balance_differs", "grant_not_in_journal"])
    assert "gift: write its grant entry" in repair(used, "--yes")
    settled_books(used, granted=11, available=7, reserved=0, spent=4)

    used.redis.hset(f"{bucket}:user:ada", mapping={"granted": 12, "available": 8})
    audit(used, ["balance_differs"])
    assert "rebuild its bucket" in repair(used, "--yes")
    settled_books(used, granted=11, available=7, reserved=0, spent=4)


def reconcile(rig, tmp_path):
    key = tmp_path / "key"
    key.write_text(programs.SANDBOX_SECRET)
    done = rig.reelgate(
        "reconcile", "--provider", "--json", "--days=2", f"--runway-base-url={rig.stack.sandbox_url}",
        f"--runway-api-secret-file={key}",
    )
    return done.returncode, json.loads(done.stdout)


def test_the_providers_bill_is_what_was_submitted(used, tmp_path):
    """Of what succeeded, failed and was given back, failed and was kept; then with a task that is none of ours."""
    for name, mark in (("refunded", "INTERNAL.BAD_OUTPUT.CODE01"), ("kept", "SAFETY.INPUT.TEXT")):
        used.request(name, "ada", prompt=f"[fail:{mark}] A stone boat")
        used.observer.until(lambda g=name: "failed" in used.observer.types(g), 60, f"{name} failed")
    status, bill = reconcile(used, tmp_path)
    assert status == 0, bill
    assert sum(row["submitted"] for row in bill["rows"]) == used.tasks_created()
    assert sum(row["billed"] for row in bill["rows"]) > 0

    orphan = {"model": "gen4.5", "promptText": "Nobody's boat", "ratio": "1280:720", "duration": 5}
    headers = {
        "Authorization": f"Bearer {programs.SANDBOX_SECRET}",
        "X-Runway-Version": "2024-11-06",
        "Content-Type": "application/json",
    }
    url = used.stack.sandbox_url + "/v1/text_to_video"
    with urllib.request.urlopen(
        urllib.request.Request(url, data=json.dumps(orphan).encode(), headers=headers), timeout=10
    ) as answer:
        assert answer.status == 200
    status, bill = reconcile(used, tmp_path)
    assert status == 1
    [row] = [row for row in bill["rows"] if row["differs"]]
    assert row["billed"] - row["expectedMost"] == 60
