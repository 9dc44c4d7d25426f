"""Two and three instances of each worker share the load; adding or stopping one in the middle of it loses
and doubles nothing."""

import signal

import load as loads
import oracle
from stack import programs

# What a worker counts once it has done a piece of work.
WORK = {
    "admission": "reelgate_records_processed_total",
    "ledger": "reelgate_records_processed_total",
    "generator": "reelgate_jobs_ended_total",
    "poller": "reelgate_tasks_ended_total",
}


def work_done(rig, name):
    """The sum of a worker's work counter over its labels."""
    status, page = programs.get(rig.stack.processes[name].more["health"] + "/metrics")
    assert status == 200
    counter = WORK[name.rpartition("-")[0]]
    rows = [line for line in page.splitlines() if line.startswith(counter)]
    assert rows, f"{name} has no metric {counter}"
    return sum(float(line.rpartition(" ")[2]) for line in rows)


def test_instances_come_and_go(make_rig):
    rig = make_rig()
    started = rig.start_workers(instances=2)
    load = loads.make_load(seed=3)
    third = len(load.asks) // 3
    loads.give_tokens(rig, load)

    loads.publish(rig, load, slice(0, third))
    rig.observer.until(lambda: rig.observer.results(), 30, "the first result")
    for program in programs.WORKERS:  # a third one joins
        started[f"{program}-2"] = rig.start(program, 2, ready=False)
    loads.publish(rig, load, slice(third, 2 * third))
    programs.wait_ready(started)
    for program in programs.WORKERS:  # the first one leaves
        started[f"{program}-0"].signal(signal.SIGTERM)
    loads.publish(rig, load, slice(2 * third, None))
    loads.wait_finished(rig, load)

    for program in programs.WORKERS:
        assert started[f"{program}-0"].wait(programs.DRAIN_SECONDS + 5), f"{program}-0 did not end"
        assert started[f"{program}-0"].exit_status() == 0
        for instance in (1, 2):
            assert work_done(rig, f"{program}-{instance}") > 0, f"{program}-{instance} did nothing"
    oracle.verify(rig, load)


def test_two_share_the_load(make_rig):
    rig = make_rig()
    started = rig.start_workers(instances=2)
    load = loads.make_load(seed=4, requests=400)
    loads.give_tokens(rig, load)
    loads.publish(rig, load)
    loads.wait_finished(rig, load)
    for program in programs.WORKERS:
        shares = [work_done(rig, f"{program}-{instance}") for instance in (0, 1)]
        assert min(shares) >= sum(shares) / 5, f"{program}: one of two did nearly all: {shares}"
    oracle.verify(rig, load)
    assert all(process.alive() for process in started.values())
