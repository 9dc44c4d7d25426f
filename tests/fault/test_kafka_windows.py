"""The windows that matter between us and Kafka, each opened on purpose by the proxy or a signal; after each every invariant
is judged."""

import signal
import time

import pytest

from load import Ask
from proxy import CUT, DELAY, HOLD, LATE, REPLY, REQUEST, SILENCE, Rule
from stack import kafka, programs
from windows import ask, decided, give


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
