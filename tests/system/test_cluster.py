"""Several of each: a Redis Cluster whose buckets move and whose master dies, a failover to a replica that lags, three brokers
of which one dies. In all of them requests wait, and the books are right afterwards, without anybody.

The other system tests run on these, too: tests/run --only system --redis cluster --kafka 3.
"""

import signal

import pytest

import load as loads
import oracle
from places import BROKERS
from stack import programs
from stack.process import wait_until


def audited(rig):
    """The fold of the journal is what Redis holds."""
    done = rig.reelgate("audit", timeout=120)
    return done.returncode == 0 or done.stdout + done.stderr


def slices(load, count):
    size = -(-len(load.asks) // count)
    return [slice(number * size, (number + 1) * size) for number in range(count)]


def results_since(rig, before, count):
    rig.observer.until(lambda: len(rig.observer.results()) >= before + count, 120, f"{count} more results")


def test_buckets_move_and_a_master_dies_under_load(make_rig):
    rig = make_rig(shape="cluster")
    rig.start_workers()
    load = loads.make_load(seed=41, requests=300)
    loads.give_tokens(rig, load)
    users = sorted(load.grants)
    parts = slices(load, 4)

    loads.publish(rig, load, parts[0])  # one bucket moves, key by key
    results_since(rig, 0, 10)
    bucket = rig.bucket(users[0])
    source = rig.servers.index_of(bucket)
    target = next(index for index in rig.servers.masters() if index != source)
    rig.servers.move(bucket, target)
    assert rig.servers.index_of(bucket) == target

    loads.publish(rig, load, parts[1])  # a quarter of a node's slots moves, as redis-cli does it
    results_since(rig, len(rig.observer.results()), 10)
    rig.servers.reshard(target, source, 1400)

    loads.publish(rig, load, parts[2])  # a master dies, and its replica takes over
    results_since(rig, len(rig.observer.results()), 10)
    lost = rig.redis_of(users[0])
    lost.kill()
    loads.publish(rig, load, parts[3])
    wait_until(lambda: len(living_masters(rig)) == 3, 60, "a failover")
    rig.redis_back(lost)

    loads.wait_finished(rig, load)
    oracle.verify(rig, load)
    wait_until(lambda: audited(rig) is True, 60, "an audit without differences")
    moved = {fact["bucket"] for fact in rig.facts("ledger-0", "recovery_begun") if fact["from"] == "zero"}
    assert bucket in moved


def living_masters(rig):
    return [index for index in rig.servers.masters() if rig.servers.processes[index].alive()]


BEFORE = {"granted": 5, "available": 4, "reserved": 0, "spent": 1}
AFTER = {"granted": 8, "available": 5, "reserved": 1, "spent": 2}


def test_a_replica_that_lags_takes_over(make_rig):
    """The primary hangs; a replica that has missed the last minutes is promoted, and another one follows it. Then the old
    primary is back, and still believes that it is one."""
    rig = make_rig(shape="trio")
    rig.start_workers()
    redis = rig.servers
    rig.grant_and_wait("ada", 5)
    rig.request("early", "ada", prompt="[run:200ms] A paper boat")
    rig.observer.event("early", "completed", seconds=60)
    wait_until(lambda: rig.balance("ada") == BEFORE, 30, "the books")
    redis.lag(2)

    rig.grant_and_wait("ada", 3)
    rig.request("missed", "ada", prompt="[run:200ms] Another boat")
    rig.observer.event("missed", "completed", seconds=60)
    rig.request("open", "ada", prompt="[run:120s] A slow boat")
    rig.observer.event("open", "submitted", seconds=60)
    wait_until(lambda: rig.balance("ada") == AFTER, 30, "the books")

    redis.processes[0].signal(signal.SIGSTOP)
    redis.promote(2)
    redis.follow(1, 2)
    assert rig.balance("ada") == BEFORE, "the promoted replica was to have missed something"
    wait_until(lambda: rig.balance("ada") == AFTER, 90, "the books as the journal has them")
    redis.processes[0].signal(signal.SIGCONT)
    wait_until(lambda: all(rig.ready(name)[0] for name in ("admission-0", "ledger-0")), 60, "ready again")

    rig.request("early", "ada", prompt="[run:200ms] A paper boat")  # what was decided stays decided
    rig.request("late", "ada", prompt="[run:200ms] A third boat")
    rig.observer.event("late", "completed", seconds=90)
    last = {"granted": 8, "available": 4, "reserved": 1, "spent": 3}
    wait_until(lambda: rig.balance("ada") == last, 30, "the books with the late one")
    assert rig.observer.types("early").count("accepted") == 1
    redis.follow(0, 2)
    wait_until(lambda: audited(rig) is True, 60, "an audit without differences")


@pytest.mark.skipif(BROKERS != 3, reason="three brokers take a minute to start: tests/run --kafka 3")
def test_one_of_three_brokers_dies_under_load(make_rig):
    """The rig kills it once something was published. Then others join, and the partitions that the dead one led are restored
    by those who knew it as their leader."""
    rig = make_rig()
    checked = rig.reelgate("topics", "check", "--replication=3")
    assert checked.returncode == 0, checked.stderr
    rig.start_workers()
    load = loads.make_load(seed=43, requests=200)
    loads.give_tokens(rig, load)
    assert len([process for process in rig.brokers.processes if process.alive()]) == 2
    half = len(load.asks) // 2
    loads.publish(rig, load, slice(0, half))
    results_since(rig, 0, 10)
    programs.wait_ready(
        {f"{program}-{number}": rig.start(program, number, ready=False) if number else rig.stack.processes[f"{program}-0"]
         for program in programs.WORKERS for number in (0, 1)}
    )
    loads.publish(rig, load, slice(half, None))
    loads.wait_finished(rig, load, seconds=240)
    oracle.verify(rig, load)
