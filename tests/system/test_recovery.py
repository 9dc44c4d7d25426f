"""Promise 5: the journal alone rebuilds Redis. What a harmed Redis looks like from outside: requests wait, then all is as before."""

import pytest

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
