"""The windows that matter, each opened on purpose: a program is stopped at a crash point, the ground under it is changed,
and it goes on. The oracle then finds nothing. (That it would find something is shown by tests/fault/planted.)

Each test has users and generations of its own, on one rig.
"""

import json
import os
import random
import shutil
import time

import pytest

from places import ROOT, TEST_DATA, bin_dir
from stack.process import wait_until
from scene import Scene


@pytest.fixture(scope="module")
def scene(brokers):
    name = f"pause-{random.randrange(16 ** 6):06x}"
    made = Scene(os.path.join(TEST_DATA, name), bin_dir=bin_dir(), kafka=brokers, prefix=name + ".")
    try:
        made.start_missing()
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def all_there(scene):
    scene.rig.fault(create={"mode": "none"})
    scene.start_missing()
    scene.wait_verified()


def stop_at(scene, program, point, **settings):
    """The program is started anew and will stop there."""
    scene.kill(program)
    scene.start(program, points=point + ":stop", **settings)


def settled(scene, generation, kind="completed", seconds=30):
    scene.rig.observer.event(generation, kind, seconds=seconds)


# ---- nothing goes wrong at all


def test_an_ordinary_day(scene):
    scene.give({"day": 4, "poor-day": 0, "late": 1})
    scene.day("day")
    scene.ask("late", "late-1", prompt="[run:4s] A slow boat")
    scene.judge()


# ---- a batch, and Redis changes under it


def emptied_at(scene, point, user):
    """Admission stops at the point with one request of the user; when it goes on, Redis was emptied and filled again."""
    scene.give({user: 1})
    stop_at(scene, "admission", point)
    scene.ask(user, f"{user}-1")
    scene.stopped("admission")
    scene.rig.redis.flushall()
    scene.wait_verified()
    scene.go_on("admission")
    scene.judge()


def test_redis_is_emptied_under_an_answered_batch(scene):
    """What Redis did for it is gone, and its entries are not in the journal yet: it must not commit."""
    emptied_at(scene, "batch.received:1", "answered")


def test_redis_is_emptied_under_an_open_transaction(scene):
    """As before, but its transaction has begun; the recovery that fills Redis again ends before anything is written."""
    emptied_at(scene, "batch.begun:1", "begun")


def test_an_aborted_batch_runs_again(scene):
    scene.give({"aborted": 3})
    stop_at(scene, "admission", "batch.received:1")
    for number in range(3):
        scene.ask("aborted", f"aborted-{number}")
    scene.stopped("admission")
    scene.unverify()
    scene.go_on("admission")
    scene.wait_verified()
    scene.judge(seconds=40)


def test_a_batch_overtaken_by_its_successor(scene):
    """Paused before its transaction, thrown out of the group, woken up when another instance has decided."""
    scene.give({"zombie": 2})
    stop_at(scene, "admission", "batch.ahead:1")
    scene.ask("zombie", "zombie-1")
    scene.ask("zombie", "zombie-2")
    scene.stopped("admission")
    scene.forget("admission")
    try:
        scene.rig.start("admission", 1)
        settled(scene, "zombie-1")
        settled(scene, "zombie-2")
        scene.go_on("admission")
        limit = time.monotonic() + 5
        while time.monotonic() < limit and not scene.rig.facts("admission-0", "batch_runs_again"):
            time.sleep(0.1)
    finally:
        scene.rig.stack.stop(["admission-1"], 20)
    scene.judge()


def test_the_price_changes_between_two_runs(scene, tmp_path):
    """What Redis has recorded outranks today's price list."""
    with open(os.path.join(ROOT, "deploy", "policy.json"), encoding="utf-8") as file:
        policy = json.load(file)
    dearer = tmp_path / "policy.json"
    dearer.write_text(json.dumps(dear(policy)))
    scene.give({"price": 5})
    scene.kill("admission")
    scene.start("admission", points="batch.received:1")
    scene.ask("price", "price-1")
    scene.died("admission", "batch.received")
    scene.start("admission", policy=str(dearer))
    settled(scene, "price-1")
    scene.kill("admission")
    scene.judge()


def dear(policy):
    """Every price tripled."""
    def walk(value, name=None):
        if isinstance(value, dict):
            return {key: walk(part, key) for key, part in value.items()}
        if isinstance(value, list):
            return [walk(part) for part in value]
        return value * 3 if name in PRICES and isinstance(value, int) else value

    return walk(policy)


PRICES = ("tokens",)


# ---- a recovery, and Redis changes under it


def snapshot(scene, where):
    """Redis' files as they are: nobody writes (appendfsync always)."""
    shutil.copytree(scene.rig.stack.path("redis"), where)


def restore(scene, where):
    stack = scene.rig.stack
    stack.processes["redis"].kill()
    shutil.rmtree(stack.path("redis"))
    shutil.copytree(where, stack.path("redis"))
    stack.start_redis()


def test_redis_is_emptied_under_a_recovery(scene):
    """After the open record, before verify: what was replayed is gone, and with it the nonce."""
    scene.give({user: 1 for user in scene.users_of_all_buckets("replayed")})
    scene.kill("ledger")
    scene.rig.redis.flushall()
    scene.start("ledger", ready=False, points="recovery.open_committed:1:stop")
    scene.stopped("ledger")
    scene.rig.redis.flushall()
    scene.go_on("ledger")
    scene.judge()


def test_redis_is_another_one_under_a_recovery(scene, tmp_path):
    """An older state of this Redis comes back: it has the nonce, and nothing of what was replayed since."""
    scene.give({user: 1 for user in scene.users_of_all_buckets("older")})
    scene.kill("ledger")
    scene.rig.redis.flushall()
    buckets = len(scene.buckets())
    scene.start("ledger", ready=False, points=f"recovery.high:{buckets}:stop,recovery.open_committed:1:stop")
    scene.stopped("ledger")
    snapshot(scene, tmp_path / "redis")
    scene.go_on("ledger")
    wait_until(lambda: len(scene.rig.facts("ledger-0", "crash_point")) == 2, 40, "the second point")
    scene.stopped("ledger")
    restore(scene, tmp_path / "redis")
    scene.go_on("ledger")
    scene.judge()


def test_a_recovery_waits_for_open_transactions(scene):
    """A batch is past its second guard: its entry will be committed, and belongs to what is replayed."""
    scene.give({"open": 1})
    stop_at(scene, "admission", "batch.guarded:1")
    scene.ask("open", "open-1")
    scene.stopped("admission")
    scene.rig.redis.flushall()
    limit = time.monotonic() + 4
    while time.monotonic() < limit and scene.verified() < len(scene.buckets()):
        time.sleep(0.1)
    scene.go_on("admission")
    scene.judge()


def test_an_old_branch_of_redis_comes_back(scene, tmp_path):
    """A hold that Redis had, and that was never journaled, is decided otherwise after a recovery; then the Redis that had
    it comes back. Its line is not the journal's: nothing of it may stay."""
    scene.give({"branch": 1})
    stop_at(scene, "admission", "batch.received:1")
    scene.ask("branch", "branch-1")
    scene.stopped("admission")
    snapshot(scene, tmp_path / "redis")
    scene.rig.redis.flushall()
    scene.wait_verified()
    # Now it is taken away what branch-1 would have been paid with.
    scene.rig.publish("grants", {"grantId": "branch-less", "userId": "branch", "amount": -1}, key="branch")
    scene.load.grants["branch"] = 0
    scene.rig.flush()
    wait_until(lambda: scene.rig.balance("branch")["granted"] == 0, 30, "the correction")
    scene.go_on("admission")
    settled(scene, "branch-1", "rejected")
    restore(scene, tmp_path / "redis")
    scene.judge()


# ---- the paid call


def test_an_answer_of_500_is_unknown(scene):
    """The provider has made the task and says 500: that is never taken for "no task"."""
    scene.give({"unclear": 1})
    scene.rig.fault(create={"mode": "status_after", "status": 500, "count": 1})
    scene.ask("unclear", "unclear-1")
    scene.rig.observer.event("unclear-1", "failed", "completed")
    scene.judge()


def test_a_generator_dies_between_intent_and_post(scene):
    """The provider has no task, because the intent was not committed: the successor makes it, and it is the only one."""
    scene.give({"between": 1})
    scene.rig.fault(create={"mode": "slow_headers", "ms": 1500})
    scene.kill("generator")
    scene.start("generator", points="workset.intent_flushed:1")
    scene.ask("between", "between-1")
    scene.died("generator", "workset.intent_flushed")
    scene.start("generator")
    settled(scene, "between-1")
    scene.judge()
