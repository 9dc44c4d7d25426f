"""Promise 5: the journal alone rebuilds Redis. What a harmed Redis looks like from outside: requests wait, then all is as before."""

import json
import os
import shutil
import time

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

import load as loads
import oracle
from stack import programs
from stack.process import wait_until


@pytest.fixture(scope="module")
def used(rig):
    """A user with a completed, a failed and a rejected generation, and one hold that is still open."""
    rig.grant_and_wait("ada", 3)
    rig.request("done", "ada", prompt="[run:200ms] A paper boat")
    rig.request("failed", "ada", prompt="[fail:ASSET.INVALID] A stone boat")
    for generation, end in (("done", "completed"), ("failed", "failed")):
        rig.observer.until(lambda g=generation, e=end: e in rig.observer.types(g), 60, f"{generation} {end}")
    rig.request("open", "ada", prompt="[run:120s] A slow boat")
    rig.observer.until(lambda: "submitted" in rig.observer.types("open"), 60, "the slow one submitted")
    wait_until(lambda: rig.balance("ada") == BOOKS, 30, "the books")
    return rig


BOOKS = {"granted": 3, "available": 1, "reserved": 1, "spent": 1}


def wait_rebuilt(rig):
    wait_until(lambda: rig.balance("ada") == BOOKS and rig.ready("ledger-0")[0], 60, "the rebuilt books")


def test_the_ledger_counts_open_holds(used):
    def numbers():
        lines = programs.get(used.stack.processes["ledger-0"].more["health"] + "/metrics")[1].splitlines()
        return dict(line.rsplit(" ", 1) for line in lines if line.startswith("reelgate_open_hold"))

    wait_until(lambda: numbers().get("reelgate_open_holds") == "1", 30, "the open hold in the metrics")
    assert numbers()["reelgate_open_holds_overdue"] == "0"
    assert float(numbers()["reelgate_open_hold_oldest_seconds"]) >= 0


def test_an_emptied_redis_is_rebuilt_without_anybody(used):
    used.redis.flushall()
    wait_rebuilt(used)
    done = used.reelgate("audit")
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_was_decided_stays_decided(used):
    """The rebuilt hold still absorbs its duplicate, and the ended generation keeps its id."""
    used.redis.flushall()
    wait_rebuilt(used)
    used.request("open", "ada", prompt="[run:120s] A slow boat")
    used.request("done", "ada", prompt="[run:200ms] A paper boat")
    used.request("next", "ada", prompt="[run:200ms] Another paper boat")
    used.observer.until(lambda: "completed" in used.observer.types("next"), 60, "the next one completed")
    assert used.observer.types("open").count("accepted") == 1
    assert used.observer.types("done").count("accepted") == 1
    books = {"granted": 3, "available": 0, "reserved": 1, "spent": 2}
    wait_until(lambda: used.balance("ada") == books, 30, "the books with the next one settled")


def test_nothing_is_admitted_on_a_redis_that_nobody_rebuilt(used):
    """Without a ledger the buckets stay unverified: admission says so and waits."""
    used.stack.processes["ledger-0"].kill()
    used.redis.flushall()
    used.request("waits", "ada", prompt="[run:200ms] A patient boat")
    wait_until(lambda: not used.ready("admission-0")[0], 30, "admission not ready")
    assert "not verified" in " ".join(used.ready("admission-0")[1])
    assert used.observer.types("waits") == []
    used.start("ledger")
    used.observer.until(lambda: "rejected" in used.observer.types("waits"), 60, "decided on the rebuilt balance of 0")


# ---- under load


def publish_at(rig, load, rate, part):
    """rate messages a second, however long each takes to send."""
    began = time.monotonic()
    for number, ask in enumerate(load.asks[part]):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        rig.publish("requests", ask.value, key=ask.user, fate="dead" if ask.kind == "malformed" else None)
        rig.observer.poll()
    rig.flush()


def test_flushed_in_the_middle_of_a_load(make_rig):
    """500 requests a second, and between two of them Redis has forgotten everything: the oracle finds no difference."""
    rig = make_rig()
    rig.start_workers()
    load = loads.make_load(seed=25)
    loads.give_tokens(rig, load)
    half = len(load.asks) // 2
    publish_at(rig, load, 500, slice(0, half))
    rig.observer.until(lambda: len(rig.observer.results()) > 50, 30, "fifty results")
    verified = len(rig.facts("ledger-0", "recovery_verified"))
    rig.redis.flushall()
    publish_at(rig, load, 500, slice(half, None))
    loads.wait_finished(rig, load)
    oracle.verify(rig, load)
    audited(rig)
    # It would prove little if nothing had been there to replay, or nothing was decided afterwards.
    replayed = rig.facts("ledger-0", "recovery_verified")[verified:]
    assert {fact["bucket"] for fact in replayed} == set(range(rig.bucket_count))
    assert len(load.grants) < sum(fact["entries"] for fact in replayed) < len(oracle.entries(rig))


# ---- on demand


def test_rebuild_on_demand(used):
    before = used.balance("ada")
    recovered = len(used.facts("ledger-0", "recovery_verified"))
    done = used.reelgate("rebuild", "--user=ada", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verified"] == json.loads(done.stdout)["buckets"] == 1
    facts = used.facts("ledger-0", "recovery_verified")[recovered:]
    assert [fact["bucket"] for fact in facts] == [used.bucket("ada")], "only the bucket that was asked for"
    done = used.reelgate("rebuild")
    assert done.returncode == 0, done.stderr
    assert f"rebuilt   {used.bucket_count} of {used.bucket_count} buckets" in done.stdout
    assert used.balance("ada") == before
    audit = used.reelgate("audit")
    assert audit.returncode == 0, audit.stdout + audit.stderr


# ---- Redis as its disk has it


def redis_again(rig, change=lambda directory: None):
    """kill -9 of Redis, something done to its files, and a start: what was acknowledged was on disk (fsync always)."""
    rig.stack.processes["redis"].kill()
    change(rig.stack.path("redis"))
    recovered = len(rig.facts("ledger-0", "recovery_verified"))
    rig.stack.start_redis()
    wait_until(
        lambda: len(rig.facts("ledger-0", "recovery_verified")) >= recovered + rig.bucket_count
        and rig.ready("ledger-0")[0],
        60,
        "every bucket recovered",
    )


def audited(rig):
    done = rig.reelgate("audit")
    assert done.returncode == 0, done.stdout + done.stderr


def begun_from(rig, since):
    """Where the recoveries since then began to read: zero, or what Redis and the journal were known to share."""
    return {fact["from"] for fact in rig.facts("ledger-0", "recovery_begun")[since:]}


@pytest.mark.one_redis("works on the files of the one server")
def test_a_restart_with_its_file_reads_only_the_end(used):
    begun, before = len(used.facts("ledger-0", "recovery_begun")), used.balance("ada")
    redis_again(used)
    assert begun_from(used, begun) == {"journaled"}
    assert used.balance("ada") == before
    audited(used)


@pytest.mark.one_redis("works on the files of the one server")
def test_a_restart_without_its_file_reads_all(used):
    begun, before = len(used.facts("ledger-0", "recovery_begun")), used.balance("ada")
    redis_again(used, lambda directory: shutil.rmtree(os.path.join(directory, "appendonlydir")))
    assert begun_from(used, begun) == {"zero"}
    assert used.balance("ada") == before
    audited(used)


def complete(rig, generation, user):
    rig.request(generation, user, prompt="[run:100ms] A paper boat")
    rig.observer.until(lambda: "completed" in rig.observer.types(generation), 60, f"{generation} completed")
    wait_until(lambda: rig.balance(user)["reserved"] == 0, 30, f"{generation} settled")


@pytest.mark.one_redis("works on the files of the one server")
def test_an_old_snapshot_is_brought_up_to_date(used):
    """What happened since the snapshot comes back from the journal, though this Redis has never heard of it."""
    used.grant_and_wait("bob", 5)
    complete(used, "bob-1", "bob")
    snapshot = used.stack.path("snapshot")
    shutil.rmtree(snapshot, ignore_errors=True)
    shutil.copytree(os.path.join(used.stack.path("redis"), "appendonlydir"), snapshot)
    complete(used, "bob-2", "bob")

    def restore(directory):
        shutil.rmtree(os.path.join(directory, "appendonlydir"))
        shutil.copytree(snapshot, os.path.join(directory, "appendonlydir"))

    begun = len(used.facts("ledger-0", "recovery_begun"))
    redis_again(used, restore)
    assert begun_from(used, begun) == {"journaled"}
    assert used.balance("bob") == {"granted": 5, "available": 3, "reserved": 0, "spent": 2}
    audited(used)

    # The same again, but there was a recovery in between: this snapshot is a branch that was given up.
    redis_again(used, restore)
    assert used.facts("ledger-0", "recovery_from_zero"), "an old branch is emptied, not mended"
    assert used.balance("bob") == {"granted": 5, "available": 3, "reserved": 0, "spent": 2}
    audited(used)


# ---- a journal that is not whole


@pytest.mark.one_broker("records are deleted from one log")
def test_a_journal_without_its_beginning_is_refused(make_rig):
    """Retention was shortened, or somebody deleted records: nothing can be rebuilt, and nobody guesses."""
    rig = make_rig()
    ledger = rig.start("ledger")
    rig.grant_and_wait("cleo", 3)
    ledger.kill()
    admin = AdminClient({"bootstrap.servers": rig.kafka})
    cut = TopicPartition(rig.prefix + "journal", rig.bucket("cleo"), 1)
    assert all(future.result(30) for future in admin.delete_records([cut]).values())

    check = rig.reelgate("topics", "check")
    assert check.returncode == 1
    assert "its first entries are gone (a partition begins at offset 1)" in check.stderr
    rebuild = rig.reelgate("rebuild", "--user=cleo")
    assert rebuild.returncode == 1 and "its first entries are gone" in rebuild.stderr
    assert rig.balance("cleo")["available"] == 3, "what is in Redis was left alone"

    ledger = rig.start("ledger", ready=False)
    fact = rig.wait_fact("ledger-0", "journal_truncated")
    assert (fact["partition"], fact["offset"]) == (rig.bucket("cleo"), 1)
    assert ledger.wait(30) and ledger.exit_status() == 3
    rig.redis.flushall()  # and not on an empty Redis either
    ledger = rig.start("ledger", ready=False)
    rig.wait_fact("ledger-0", "journal_truncated")
    assert ledger.wait(30) and ledger.exit_status() == 3
    assert not rig.redis.hget(f"rg:{{{rig.bucket('cleo')}}}:meta", "verified")


# ---- a journal in which somebody else writes


def write(rig, bucket, value):
    """A record without a key, as a recovery's own: the one kind that a ledger in its stride looks into."""
    value = value if isinstance(value, bytes) else json.dumps(value).encode()
    rig.producer.produce(rig.prefix + "journal", value, partition=bucket, headers={"ce_type": "reelgate.tokens.entry"})
    assert rig.producer.flush(30) == 0


def number(rig, name):
    lines = programs.get(rig.stack.processes["ledger-0"].more["health"] + "/metrics")[1].splitlines()
    return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + " "))


def test_what_the_ledger_did_not_write_is_an_alarm_or_the_end(make_rig):
    rig = make_rig()
    ledger = rig.start("ledger")
    rig.grant_and_wait("dora", 4)
    bucket = rig.bucket("dora")
    rig.redis.zadd(f"rg:{{{(bucket + 1) % rig.bucket_count}}}:open", {"ghost": 1})  # held since 1970

    # A recovery that this Redis never went through: what it holds may be of another branch.
    opened = {"kind": "open", "nonce": "f" * 32, "partitions": rig.bucket_count, "at": "2026-01-01T00:00:00.000Z"}
    recovered = len(rig.facts("ledger-0", "recovery_verified"))
    write(rig, bucket, opened)
    assert rig.wait_fact("ledger-0", "journal_other_line")["bucket"] == bucket
    wait_until(lambda: len(rig.facts("ledger-0", "recovery_verified")) > recovered, 60, "verified again")
    assert rig.facts("ledger-0", "recovery_from_zero")[-1]["bucket"] == bucket
    assert number(rig, "reelgate_journal_alarms_total") == 1
    assert rig.balance("dora")["available"] == 4

    assert rig.wait_fact("ledger-0", "holds_overdue")["count"] == 1
    assert number(rig, "reelgate_open_holds_overdue") == 1

    # What can't be read may be money: no balance can be told any more.
    write(rig, bucket, b"{ not json")
    assert rig.wait_fact("ledger-0", "journal_unreadable")["partition"] == bucket
    assert ledger.wait(30) and ledger.exit_status() == 3
