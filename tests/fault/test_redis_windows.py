"""The windows that matter between us and Redis, each opened on purpose by the proxy or by emptying it; after each every
invariant is judged."""

import json
import random
import time

from crowd import HOSTILE_AMOUNTS
from proxy import DELAY, HOLD, REPLY, REQUEST, Rule
from windows import ask, decided, give
from world import wait


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
