"""The windows that matter, each opened on purpose by the proxy or a signal; after each every invariant is judged."""

import json
import os
import random
import signal
import time

import pytest

import load as loads
import oracle
from crowd import HOSTILE_AMOUNTS
from load import Ask
from places import TEST_DATA
from proxy import CUT, DELAY, HOLD, LATE, REPLY, REQUEST, SILENCE, Rule
from stack import kafka, programs
from world import World, wait

TOKENS = 1000


@pytest.fixture(scope="module")
def stack():
    """One world for all tests of this file, with one instance of each program."""
    name = f"windows-{random.randrange(16 ** 6):06x}"
    world = World(os.path.join(TEST_DATA, name), prefix=name + ".")
    try:
        world.start_workers()
        world.load = loads.Load(may_be_unknown=True)
        yield world
    finally:
        world.close()


@pytest.fixture
def world(stack):
    """Whole at the beginning; at the end every promise was kept, by all that ever happened here."""
    yield stack
    for proxy in stack.proxies:
        proxy.clear()
    for program in programs.WORKERS:
        if not stack.living(program):
            stack.start(program)
    loads.wait_finished(stack, stack.load, seconds=120)
    wait(
        lambda: not any(holds or not verified for verified, holds in stack.buckets().values()),
        60,
        "Redis at rest",
    )
    oracle.verify(stack, stack.load)
    assert not list(stack.flaws_in_logs())
    assert not [flaw for proxy in stack.proxies for flaw in proxy.flaws]


def give(world, *users, amount=TOKENS):
    """New users with tokens that can be spent, and that no loss of Redis takes away again."""
    for user in users:
        world.load.grants[user] = amount
        world.grant(user, amount)
    granted = lambda: {seen.key.decode() for seen in world.observer.seen["journal"] if seen.key}
    world.observer.until(lambda: set(users) <= granted(), 60, f"the grants of {users}")
    wait(lambda: all(world.balance(user)["available"] == amount for user in users), 30, f"tokens of {users}")


def ask(world, user, count, prompt="[run:100ms] A paper boat", kind="valid"):
    """So many requests of the user. Their generations."""
    first = len(world.load.asks)
    for number in range(first, first + count):
        generation = f"{user}-{number}"
        value = {"generationId": generation, "userId": user, "prompt": f"[id:{generation}] {prompt}"}
        world.load.asks.append(Ask(user, value, kind, generation))
    loads.publish(world, world.load, slice(first, None))
    return [asked.generation for asked in world.load.asks[first:]]


def decided(world, generations, seconds=60):
    waiting = lambda: [name for name in generations if not world.observer.results(name)]
    world.observer.until(lambda: not waiting(), seconds, lambda: f"a decision about {waiting()[:5]}")


def counter(world, name, metric):
    _, page = programs.get(world.stack.processes[name].more["health"] + "/metrics")
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(metric))


# ---- Kafka


def test_a_transaction_that_timed_out(world):
    """The broker aborts what is open for longer than the time-out; the program makes a new producer."""
    give(world, "timed-out")
    rule = world.kafka_proxy.add(Rule("EndTxn", REQUEST, HOLD, client="admission"))
    generations = ask(world, "timed-out", 20)
    rule.wait_met(20)
    time.sleep(13)  # the time-out is 10 s, and the broker looks for such transactions every 10 s at most
    rule.release()
    decided(world, generations)
    assert world.stack.processes["admission-0"].alive()


def test_a_commit_whose_answer_is_lost(world):
    """Done, and nobody was told: the same transaction is not done again."""
    give(world, "unanswered")
    for action in (CUT, SILENCE):
        for client in ("admission", "generator", "poller", "ledger"):
            world.kafka_proxy.add(Rule("EndTxn", REPLY, action, client=client))
        generations = ask(world, "unanswered", 10)
        decided(world, generations, 90)


def test_a_commit_that_arrives_twice_and_late(world):
    """The line breaks, the commit is sent again over another one, and the first arrives in a later transaction
    (hazards K1): that one may be committed in two parts, and nothing else comes of it."""
    give(world, "twice-told")
    late = Rule("EndTxn", REQUEST, LATE, seconds=0.3, times=6, client="admission")
    world.kafka_proxy.add(late)
    generations = []
    limit = time.monotonic() + 60
    while late.met < 6:
        assert time.monotonic() < limit, f"only {late.met} commits were late"
        generations += ask(world, "twice-told", 3)
        world.observer.poll(0.2)
    decided(world, generations)


def test_offsets_and_partitions_that_do_not_arrive(world):
    give(world, "unsent")
    for name in ("AddPartitionsToTxn", "AddOffsetsToTxn", "TxnOffsetCommit", "Produce"):
        for direction in (REQUEST, REPLY):
            world.kafka_proxy.add(Rule(name, direction, CUT, times=2))
        decided(world, ask(world, "unsent", 5), 90)


def test_an_abort_right_behind_the_first_produce(world):
    """EndTxn must not overtake AddPartitionsToTxn (hazards K6): many aborts while the latter is slow."""
    give(world, "aborted")
    slow = world.kafka_proxy.add(Rule("AddPartitionsToTxn", REQUEST, DELAY, seconds=0.2, times=None))
    generations = []
    for _ in range(8):
        generations += ask(world, "aborted", 3)
        time.sleep(0.15)
        world.redis.flushall()  # the second guard fails: abort
    world.kafka_proxy.remove(slow)
    decided(world, generations)


def test_a_rebalance_during_an_open_transaction(world):
    give(world, "moved")
    rule = world.kafka_proxy.add(Rule("EndTxn", REQUEST, HOLD, client="admission"))
    generations = ask(world, "moved", 20)
    rule.wait_met(20)
    second = world.start("admission", 1, ready=False)
    world.kafka_proxy.add(Rule("JoinGroup", REPLY, DELAY, seconds=0.5, client="admission"))
    time.sleep(4)  # the group waits for its first member, which is in its transaction
    rule.release()
    decided(world, generations)
    assert second.stop(30)


def test_a_zombie_after_a_pause(world):
    """Paused in a transaction, replaced meanwhile: when it comes back its transaction counts for nothing."""
    give(world, "zombie")
    rule = world.kafka_proxy.add(Rule("EndTxn", REQUEST, HOLD, client="admission"))
    generations = ask(world, "zombie", 20)
    rule.wait_met(20)
    zombie = world.stack.processes["admission-0"]
    zombie.signal(signal.SIGSTOP)
    second = world.start("admission", 1, ready=False)
    decided(world, generations, 90)  # by the second: the first one's session is over
    zombie.signal(signal.SIGCONT)
    rule.release()
    more = ask(world, "zombie", 20)
    decided(world, more)
    assert zombie.alive() and second.stop(30)


def test_a_zombie_never_submits_late(world):
    """Its intent was committed but nobody told it; when it hears of that, its successor has given the job up."""
    give(world, "sleeper")
    rule = world.kafka_proxy.add(Rule("EndTxn", REPLY, HOLD, client="generator"))
    (generation,) = ask(world, "sleeper", 1)
    rule.wait_met(30)
    sleeper = world.stack.processes["generator-0"]
    sleeper.signal(signal.SIGSTOP)
    rule.release()
    second = world.start("generator", 1, ready=False)
    end = world.observer.event(generation, "failed", "completed", seconds=90)
    assert end.data["error"]["context"]["reason"] == "submission_unknown"
    sleeper.signal(signal.SIGCONT)
    decided(world, ask(world, "sleeper", 5))
    assert second.stop(30)
    assert not [task for task in world.tasks() if task["name"] == generation], "it was submitted after all"


def test_two_with_one_id(world):
    """Two instances with one instance_id fence each other: one gives up and says why, the other works."""
    users = [f"twin-{number}" for number in range(12)]  # over the partitions, so that both have work
    give(world, *users)
    first = world.stack.processes["admission-0"]
    twin = world.start("admission", 1, ready=False, instance_id=0)
    generations = []
    limit = time.monotonic() + 90
    while first.alive() and twin.alive():
        assert time.monotonic() < limit, "both go on"
        for user in users:
            generations += ask(world, user, 1)
        world.observer.poll(0.3)
    loser = twin if first.alive() else first
    assert loser.exit_status() == 3 and "instance_id" in loser.said(), loser.said()[-1000:]
    (first if first.alive() else twin).stop(30)
    world.start("admission")
    decided(world, generations)


def test_asked_to_stop_while_kafka_is_silent(world):
    """In the middle of a commit: it ends all the same, five seconds after drain_ms, and another goes on."""
    users = [f"stopped-{number}" for number in range(24)]  # over the partitions, so that all have work
    give(world, *users)
    asked = {program: world.start(program, 1, drain_ms="1s") for program in programs.WORKERS}
    rules, generations = [], []
    for program in ("ledger", "poller", "generator", "admission"):  # backwards, so that none starves the next
        mine = f".{program}-1".encode()
        rule = Rule("EndTxn", REQUEST, HOLD, times=None, where=lambda data, mine=mine: mine in data)
        rules.append(world.kafka_proxy.add(rule))
        limit = time.monotonic() + 60
        while rule.met == 0:
            assert time.monotonic() < limit, f"no commit of {program}-1"
            for user in users:
                generations += ask(world, user, 1)
            world.observer.poll(0.5)
    for process in asked.values():
        process.signal(signal.SIGTERM)
    for program, process in asked.items():
        assert process.wait(25), f"{program} waits for Kafka"
        assert process.exit_status() in (0, 3), f"{program}: {process.exit_status()} {process.said()[-2000:]}"
    assert any(programs.facts(process, "stop_overdue") for process in asked.values())
    for rule in rules:
        rule.release()
    decided(world, generations, 90)


def test_a_broker_that_restarts_under_load(world):
    give(world, "restarted")
    generations = ask(world, "restarted", 60)
    world.stop_broker(signal.SIGKILL)
    more = [Ask("restarted", None, "valid", f"restarted-late-{number}") for number in range(30)]
    for late in more:
        late.value = {
            "generationId": late.generation,
            "userId": late.user,
            "prompt": f"[id:{late.generation}] A boat",
        }
        world.load.asks.append(late)
        world.publish("requests", late.value, key=late.user)  # waits in our client
    world.start_broker()
    world.flush()
    decided(world, generations + [late.generation for late in more], 120)
    assert all(
        world.living(program) for program in programs.WORKERS
    ), "somebody ended because the broker was away"


@pytest.mark.parametrize("program,written", [("admission", "jobs"), ("poller", "results")])
def test_output_topics_are_known_before_ready(world, program, written):
    """The first message to a topic that its producer has not asked about waits for a second (hazards K11): one of each
    shape of worker. A producer asks for its id first; who asks about an output topic behind that is the producer."""
    assert world.stack.processes[f"{program}-0"].stop(30)
    begun = world.kafka_proxy.seen[(REQUEST, "InitProducerId")]
    name = (world.prefix + written).encode()
    asks = lambda data: world.kafka_proxy.seen[(REQUEST, "InitProducerId")] > begun and name in data
    rule = world.kafka_proxy.add(Rule("Metadata", REQUEST, HOLD, times=None, client=program, where=asks))
    process = world.start(program, ready=False)
    rule.wait_met(30)
    assert not world.ready(f"{program}-0")[0], "ready, and its output topic not known"
    rule.release()
    programs.wait_ready({f"{program}-0": process})


# ---- Redis


def test_no_script_at_any_time(world):
    """Redis forgets the scripts again and again, also between loading and calling them."""
    give(world, "forgotten")
    chance, flushed = random.Random(1), 0
    generations = ask(world, "forgotten", 100)
    limit = time.monotonic() + 120
    while flushed < 30 or [name for name in generations if not world.observer.results(name)]:
        world.redis.script_flush()
        flushed += 1
        world.observer.poll(0.01)
        time.sleep(chance.expovariate(1 / 0.2))
        assert time.monotonic() < limit, f"no progress while scripts are flushed ({flushed} times)"


def test_a_late_answer_is_nobodys(world):
    """Answers come after the time-out of 2 s: none is taken for that of another user's command."""
    give(world, "early", amount=3)
    give(world, "late", amount=700)
    for skip in range(3):
        world.redis_proxy.add(Rule("EVALSHA", REPLY, DELAY, seconds=3, skip=skip))
    generations = ask(world, "early", 5) + ask(world, "late", 5)
    decided(world, generations)
    for name in generations:
        decision = world.observer.results(name)[0]
        balance = decision.data.get("balance") or decision.data["error"]["context"]
        told = (
            balance["available"] + balance["reserved"] + balance["spent"] if "available" in balance else None
        )
        assert told in (None, 3 if name.startswith("early") else 700), f"{name} was told of {balance}"


def test_a_key_of_a_wrong_type_stops_its_user_and_changes_nothing(world):
    """No decision on ground that can't be understood; once Redis is emptied all comes from the journal."""
    give(world, "mistyped")
    account = f"rg:{{{world.bucket('mistyped')}}}:user:mistyped"
    world.redis.delete(account)
    world.redis.set(account, "somebody's string")
    before = world.redis.dump(account)
    (generation,) = ask(world, "mistyped", 1)
    wait(
        lambda: [fact for fact in world.facts("admission-0") if "WRONGTYPE" in json.dumps(fact)],
        30,
        "a log line",
    )
    world.observer.to_the_end()
    assert not world.observer.results(generation) and world.redis.dump(account) == before
    world.redis.flushall()
    decided(world, [generation])


def test_grants_that_redis_lost_before_they_were_journaled(world):
    """They were spent already: until both have come again the account is below zero, and everything adds up."""
    give(world, "lent", amount=1)
    rule = Rule("AddOffsetsToTxn", REQUEST, HOLD, where=lambda data: b".ledger-0" in data)
    world.kafka_proxy.add(rule)
    for number in range(2):
        world.publish("grants", {"grantId": f"lent-{number}", "userId": "lent", "amount": 2}, key="lent")
    world.load.grants["lent"] += 4
    world.flush()
    rule.wait_met(20)
    wait(lambda: world.balance("lent")["available"] == 5, 20, "grants that are not journaled yet")
    generations = ask(world, "lent", 5)
    world.observer.until(
        lambda: all("accepted" in world.observer.types(name) for name in generations), 30, "five accepted"
    )
    world.redis.flushall()
    rule.release()  # the second guard fails, and both grants come again, one after the other
    wait(lambda: world.balance("lent")["granted"] == 5, 60, "the grants again")
    told = [seen.data["balance"] for seen in world.observer.seen["journal"] if seen.key == b"lent"]
    assert world.living("ledger") and told


def test_hostile_amounts(world):
    """Nobody is given them, and nothing else happens."""
    give(world, "hostile", amount=5)
    for number, amount in enumerate(HOSTILE_AMOUNTS):
        value = b'{"grantId":"hostile-%d","userId":"hostile","amount":%s}' % (number, amount)
        world.publish("grants", value, key="hostile", fate="dead")
    largest = 2**31
    for grant, amount, fate in (("most", largest, None), ("less", -largest, None), ("below", -6, "dead")):
        value = {"grantId": f"hostile-{grant}", "userId": "hostile", "amount": amount}
        world.publish("grants", value, key="hostile", fate=fate)
    world.flush()
    letters = lambda: [seen for seen in world.observer.seen["dead-letters"] if seen.key == b"hostile"]
    world.observer.until(lambda: len(letters()) >= len(HOSTILE_AMOUNTS) + 1, 30, "a dead letter for each")
    wait(lambda: world.balance("hostile")["granted"] == 5, 30, "the largest grant and its correction")


# ---- and at last, since the broker stays so

# It forgets an idle transactional id after 7 days; this one after seconds.
FORGETFUL = {
    "transactional.id.expiration.ms": 2000,
    "transaction.remove.expired.transaction.cleanup.interval.ms": 500,
    "producer.id.expiration.ms": 2000,
    "producer.id.expiration.check.interval.ms": 500,
}


def test_a_producer_that_the_broker_forgot(world):
    """Its next transaction is refused: a new producer, and the batch once (hazards K5)."""
    give(world, "unknown-producer")
    world.stop_broker()
    world.start_broker(FORGETFUL)
    kafka.wait(world.broker)
    decided(world, ask(world, "unknown-producer", 3), 90)
    forgot = ("INVALID_PRODUCER_ID_MAPPING", "UNKNOWN_PRODUCER_ID")
    refused = lambda: [
        number
        for number, fact in enumerate(world.facts("admission-0"))
        if fact["msg"] == "kafka_transaction_trouble" and fact["error_code"] in forgot
    ]
    limit = time.monotonic() + 60
    while not refused():
        assert time.monotonic() < limit, "the broker forgets nobody"
        time.sleep(4)  # idle
        decided(world, ask(world, "unknown-producer", 2), 60)
    behind = [fact["msg"] for fact in world.facts("admission-0")[refused()[0] :]]
    assert "kafka_producer_renewed" in behind
    decided(world, ask(world, "unknown-producer", 3), 60)
    assert all(world.living(program) for program in programs.WORKERS)
