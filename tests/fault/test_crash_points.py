"""kill -9 between each two effects of each worker: nothing is lost, nothing is done twice, the books are right.

One test for each row of common/base/crash_points.def, all on one rig: the program dies there under a small load, and is
started again to die at the next point; the last test starts all of them for good and asks the oracle.
"""

import os
import random

import pytest

from places import TEST_DATA, bin_dir
from points import falls
from stack.process import StackError
from scene import TOKENS, Scene

# A generator that dies with an open intent leaves an unknown that its successor waits out for half a minute: it goes first.
ORDER = ("generator", "poller", "admission", "ledger")
FALLS = sorted(falls(), key=lambda fall: ORDER.index(fall.program))


# ---- what has to happen so that a program gets to its point. before: while it is down; during: while it is up


class Load:
    settings = {}
    armed = "{point}:{passing}"

    @staticmethod
    def before(scene, fall):
        scene.day(str(fall))

    @staticmethod
    def during(scene, fall):
        if fall.program == "ledger":
            scene.give_more(str(fall))


class Unverified(Load):
    """The ground is taken away under a batch that Redis has answered: its second guard lets nothing pass."""

    armed = "batch.received:1:stop,{point}:{passing}"

    @staticmethod
    def during(scene, fall):
        scene.stopped(fall.program)
        scene.unverify()
        scene.go_on(fall.program)


class Busy(Load):
    @staticmethod
    def before(scene, fall):
        scene.rig.fault(create={"mode": "status", "status": 503})
        scene.day(str(fall))


class Rewrite(Load):
    settings = {"rewrite_after_ms": "1s"}

    @staticmethod
    def before(scene, fall):
        if fall.program == "generator":
            scene.rig.fault(create={"mode": "status", "status": 503})
            scene.day(str(fall))
        else:
            scene.ask(str(fall), f"{fall}-slow", prompt="[run:4s] A slow boat")


class Cancel(Load):
    @staticmethod
    def before(scene, fall):
        scene.ask(str(fall), f"{fall}-gone", prompt="[run:90s] A very slow boat")

    @staticmethod
    def during(scene, fall):
        scene.rig.observer.event(f"{fall}-gone", "submitted")
        scene.cancel(str(fall), f"{fall}-gone")


def recovered(scene):
    """The one before may have died half way: here Redis has a line."""
    scene.start("ledger")
    scene.wait_verified()
    scene.kill("ledger")


class Restart(Load):
    @staticmethod
    def before(scene, fall):
        recovered(scene)
        scene.unverify()
        scene.day(str(fall))


class Flush(Load):
    @staticmethod
    def before(scene, fall):
        scene.rig.redis.flushall()
        scene.day(str(fall))


class Branch(Load):
    @staticmethod
    def before(scene, fall):
        recovered(scene)
        for bucket in scene.buckets():
            scene.rig.redis.hset(bucket, mapping={"line": "0" * 32, "journaled": 0})
        scene.unverify()
        scene.day(str(fall))


WAYS = {way.__name__.lower(): way for way in (Load, Unverified, Busy, Rewrite, Cancel, Restart, Flush, Branch)}


# ---- the tests


@pytest.fixture(scope="module")
def scene(brokers):
    name = f"crash-{random.randrange(16 ** 6):06x}"
    made = Scene(os.path.join(TEST_DATA, name), bin_dir=bin_dir(), kafka=brokers, prefix=name + ".")
    try:
        made.start_missing()
        made.give({str(fall): TOKENS for fall in FALLS} | {f"poor-{fall}": 0 for fall in FALLS})
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("fall", FALLS, ids=str)
def test_dies_there(scene, fall):
    way = WAYS[fall.way]
    scene.rig.fault(create={"mode": "none"})
    scene.start_missing(besides=[fall.program])
    scene.kill(fall.program)
    way.before(scene, fall)
    points = way.armed.format(point=fall.point, passing=fall.passing)
    scene.start(fall.program, ready=False, points=points, **way.settings)
    way.during(scene, fall)
    scene.died(fall.program, fall.point)


def test_and_the_books_are_right(scene):
    scene.judge()


def test_a_wrong_point_is_refused(scene):
    scene.kill("poller")
    with pytest.raises(StackError, match="ended with status 2"):
        scene.start("poller", points="no.such.point")
