"""kill -9 of each worker in turn under load, each restarted as a supervisor would: the result is the same."""

import signal
import time

import load as loads
import oracle
from stack import programs

ROUNDS = 3


def start(rig, program, ready=False):
    # A create call that was open when its generator died is unknown 30 s after its limit.
    settings = {"create_timeout_ms": "3s"} if program == "generator" else {}
    return rig.start(program, ready=ready, **settings)


def start_all(rig):
    programs.wait_ready({program: start(rig, program) for program in programs.WORKERS})


def judge(rig, load, kills):
    loads.wait_finished(rig, load, seconds=240)
    oracle.verify(rig, load)
    unknown = [name for name in load.by_generation() if oracle.unknown(rig, name)]
    assert (
        len(unknown) <= 16 * kills
    ), f"{len(unknown)} unknown: more than the calls that {kills} kills can have cut"


def test_each_worker_killed_in_turn(make_rig):
    rig = make_rig()
    start_all(rig)
    load = loads.make_load(seed=9)
    load.may_be_unknown = True
    loads.give_tokens(rig, load)
    turns = len(programs.WORKERS) * ROUNDS
    size = -(-len(load.asks) // turns)
    for turn in range(turns):
        program = programs.WORKERS[turn % len(programs.WORKERS)]
        loads.publish(rig, load, slice(turn * size, (turn + 1) * size))
        rig.observer.poll(0.1)
        time.sleep(0.4)  # so that it is in the middle of this slice
        rig.stack.processes[f"{program}-0"].kill()
        time.sleep(0.3)  # its topics fill up
        start(rig, program)
    judge(rig, load, kills=ROUNDS)


def test_all_workers_killed_at_once(make_rig):
    """All of our programs are gone in the middle of a load, and come back."""
    rig = make_rig()
    start_all(rig)
    load = loads.make_load(seed=10, requests=400)
    load.may_be_unknown = True
    loads.give_tokens(rig, load)
    loads.publish(rig, load, slice(0, 200))
    rig.observer.until(lambda: len(rig.observer.results()) > 50, 30, "fifty results")
    for program in programs.WORKERS:
        rig.stack.processes[f"{program}-0"].signal(signal.SIGKILL)
    for program in programs.WORKERS:
        assert rig.stack.processes[f"{program}-0"].wait(10)
    loads.publish(rig, load, slice(200, None))
    for program in programs.WORKERS:
        start(rig, program)
    judge(rig, load, kills=1)
