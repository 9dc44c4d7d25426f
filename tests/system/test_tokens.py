"""The product's four tests of the token check, on real processes: no credit, enough, exactly enough, and
the token service (Redis) failing while a request is checked."""

import signal
import time

import pytest

from stack.process import wait_until


def nothing_spent(available):
    return {"granted": available, "available": available, "reserved": 0, "spent": 0}


def settled(rig, user, balance):
    wait_until(lambda: rig.balance(user) == balance, 30, f"{user} with {balance}, has {rig.balance(user)}")


def test_zero_credit_is_refused(rig):
    rig.request("zero-1", "zero")
    error = rig.observer.event("zero-1", "rejected", "accepted").data["error"]
    assert error == {
        "code": "insufficient_tokens",
        "message": "Insufficient tokens for video generation",
        "context": {"userId": "zero", "currentBalance": 0, "requiredTokens": 1, "reservedTokens": 0},
    }
    rig.observer.to_the_end()
    assert rig.observer.types("zero-1") == ["rejected"]
    assert not [
        seen for seen in rig.observer.seen["jobs"] if seen.key == b"zero-1"
    ], "a refused request became a job"
    assert rig.balance("zero") == nothing_spent(0)


def test_enough_is_completed_and_debited(rig):
    rig.grant_and_wait("rich", 5)
    rig.request("rich-1", "rich", projectId="project-7")
    completed = rig.observer.event("rich-1", "completed", "failed", "rejected")
    assert rig.observer.types("rich-1") == ["accepted", "submitted", "completed"]
    assert completed.data["projectId"] == "project-7" and completed.data["requiredTokens"] == 1
    assert completed.data["output"] and completed.data["output"][0].startswith("http")
    settled(rig, "rich", {"granted": 5, "available": 4, "reserved": 0, "spent": 1})
    rig.observer.until(
        lambda: len([seen for seen in rig.observer.seen["journal"] if seen.key == b"rich"]) == 3,
        10,
        "three journal entries",
    )
    entries = [seen.data for seen in rig.observer.seen["journal"] if seen.key == b"rich"]
    assert [entry["kind"] for entry in entries] == ["grant", "reserve", "commit"]
    assert entries[-1]["description"] == "Video generation: rich-1"
    assert entries[-1]["balance"] == {"granted": 5, "available": 4, "reserved": 0, "spent": 1}


def test_exact_amount_leaves_zero(rig):
    rig.grant_and_wait("exact", 1)
    rig.request("exact-1", "exact")
    accepted = rig.observer.event("exact-1", "accepted", "rejected")
    assert accepted.type == "generation.accepted"
    assert accepted.data["balance"] == {"granted": 1, "available": 0, "reserved": 1, "spent": 0}
    rig.observer.event("exact-1", "completed")
    settled(rig, "exact", {"granted": 1, "available": 0, "reserved": 0, "spent": 1})
    rig.request("exact-2", "exact")
    assert (
        rig.observer.event("exact-2", "rejected", "accepted").data["error"]["context"]["currentBalance"] == 0
    )


def test_two_at_once_on_a_balance_of_one(rig):
    rig.grant_and_wait("narrow", 1)
    for name in ("narrow-1", "narrow-2"):
        rig.publish("requests", {"generationId": name, "userId": "narrow", "prompt": "A race"}, key="narrow")
    rig.flush()
    decisions = {rig.observer.event(name, "accepted", "rejected").type for name in ("narrow-1", "narrow-2")}
    assert decisions == {"generation.accepted", "generation.rejected"}


@pytest.mark.parametrize("trouble", ["killed", "hangs"])
def test_redis_failing_while_a_request_is_checked(rig, trouble):
    """The request waits, the log says so, and it is decided as before when Redis is back."""
    user, generation = f"patient-{trouble}", f"patient-{trouble}-1"
    rig.grant_and_wait(user, 2)
    logged_before = len(rig.facts("admission-0"))
    redis = rig.redis_of(user)
    redis.signal(signal.SIGKILL if trouble == "killed" else signal.SIGSTOP)
    rig.request(generation, user)
    wait_until(
        lambda: [
            fact
            for fact in rig.facts("admission-0")[logged_before:]
            if "Failed to check token balance" in str(fact)
        ],
        30,
        "the log line about the failed check",
    )
    time.sleep(2)
    rig.observer.to_the_end()
    assert rig.observer.types(generation) == [], "decided without Redis"
    assert not rig.ready("admission-0")[0], "ready without Redis"
    if trouble == "killed":
        rig.redis_back(redis)
    else:
        redis.signal(signal.SIGCONT)
    rig.observer.event(generation, "completed", seconds=60)
    assert rig.observer.types(generation) == ["accepted", "submitted", "completed"]
    settled(rig, user, {"granted": 2, "available": 1, "reserved": 0, "spent": 1})
