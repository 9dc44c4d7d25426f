"""Everything towards Runway that needs an operator, or patience: submissions that nobody knows of, the breaker,
limits, turns, progress."""

import json

import pytest

from stack import programs
from stack.process import wait_until

HELD = {"unknown_submission": "hold", "create_timeout_ms": "3s"}


def start(rig, generator=None, poller=None):
    """One of each worker; generator, poller: their settings."""
    settings = {"generator": generator or {}, "poller": poller or {}}
    programs.wait_ready(
        {f"{name}-0": rig.start(name, ready=False, **settings.get(name, {})) for name in programs.WORKERS}
    )


def metric(rig, name, metric_name):
    """The value of a metric, with its labels as they stand in the text; 0 when it is not there."""
    _, text = programs.get(rig.stack.processes[name].more["health"] + "/metrics")
    found = [line for line in text.splitlines() if line.startswith(metric_name + " ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def unknown_list(rig, *more):
    listed = rig.reelgate("submissions", "--unknown", "--json", "--under-way-ms=0", *more)
    assert listed.returncode == 0, listed.stderr
    return [json.loads(line) for line in listed.stdout.splitlines()]


def settle(rig, generation, user, *word, under_way="0"):
    return rig.reelgate(
        "submissions", generation, f"--user={user}", "--json", f"--under-way-ms={under_way}", *word
    )


def outcome(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["outcome"]


def tasks(rig):
    return rig.sandbox("/admin/tasks")["tasks"]


def books(rig, user, **wanted):
    whole = {"granted": 0, "available": 0, "reserved": 0, "spent": 0, **wanted}
    wait_until(lambda: rig.balance(user) == whole, 20, f"{user}: {whole}, has {rig.balance(user)}")


# ---- unknown submissions


def lose_one(rig, generation, user, **fault):
    """A create call whose answer says nothing."""
    rig.fault(create={"count": 1, **fault})
    rig.request(generation, user)
    rig.observer.event(generation, "accepted")


def test_a_held_task_is_adopted_or_submitted_again(make_rig):
    rig = make_rig()
    start(rig, generator=HELD)
    rig.grant_and_wait("ann", 2)
    lose_one(rig, "made", "ann", mode="reset")
    rig.wait_fact("generator-0", "submission_held")
    lose_one(rig, "not-made", "ann", mode="reset_before")
    wait_until(lambda: len(rig.facts("generator-0", "submission_held")) == 2, 20, "both held")
    (task,) = tasks(rig)
    listed = unknown_list(rig)
    assert [(row["generationId"], row["userId"], row["state"]) for row in listed] == [
        ("made", "ann", "held"),
        ("not-made", "ann", "held"),
    ]
    early = settle(rig, "made", "ann", "--none", under_way="15m")
    assert early.returncode == 1 and "may still be answered" in early.stderr
    books(rig, "ann", granted=2, reserved=2)
    wait_until(lambda: metric(rig, "generator-0", 'reelgate_generations_in_flight{state="unknown"}') == 2, 20, "gauge")

    assert outcome(settle(rig, "not-made", "ann", "--none")) == "released"
    # A hold outlives its owner.
    rig.stack.processes["generator-0"].kill()
    rig.start("generator", **HELD)
    assert outcome(settle(rig, "made", "ann", f"--task-id={task['id']}")) == "adopted"
    for generation in ("made", "not-made"):
        done = rig.observer.event(generation, "completed", "failed", "cancelled")
        assert done.type == "generation.completed", done.data
        assert rig.observer.types(generation) == ["accepted", "submitted", "completed"]
    assert rig.observer.event("made", "completed").data["taskId"] == task["id"]
    assert rig.tasks_created() == 2
    books(rig, "ann", granted=2, spent=2)
    assert unknown_list(rig) == []


def test_an_attempt_that_resubmit_left_is_held_once_the_policy_is_hold(make_rig):
    rig = make_rig()
    start(rig, generator={"unknown_submission": "resubmit", "max_submissions": 5})
    rig.grant_and_wait("cid", 1)
    rig.fault(create={"mode": "status", "status": 500})
    rig.request("left", "cid")
    rig.wait_fact("generator-0", "create_answered")
    rig.fault(create={"mode": "status", "status": 503})
    wait_until(
        lambda: "not_made" in [said["answer"] for said in rig.facts("generator-0", "create_answered")], 30, "a 503"
    )
    rig.stack.processes["generator-0"].stop(20)
    rig.start("generator", **HELD)
    rig.wait_fact("generator-0", "submission_held")
    (row,) = unknown_list(rig)
    assert (row["generationId"], row["state"]) == ("left", "held")
    rig.fault(create={"mode": "none"})
    for _ in range(row["attempts"]):  # each of them made none
        wait_until(lambda: metric(rig, "generator-0", 'reelgate_generations_in_flight{state="unknown"}') == 1, 20, "held")
        assert outcome(settle(rig, "left", "cid", "--none")) == "released"
    rig.observer.event("left", "completed")
    assert rig.observer.types("left") == ["accepted", "submitted", "completed"]
    assert rig.tasks_created() == 1
    books(rig, "cid", granted=1, spent=1)


def test_what_ended_unknown_is_found_and_its_task_deleted(make_rig):
    rig = make_rig(run_ms="60s")
    start(rig)
    rig.grant_and_wait("bob", 3)
    lose_one(rig, "lost", "bob", mode="reset")
    failed = rig.observer.event("lost", "failed")
    assert failed.data["error"]["context"]["reason"] == "submission_unknown" and failed.data["charge"] == 0
    rig.request("fine", "bob")
    followed = rig.observer.event("fine", "submitted").data["taskId"]
    (row,) = unknown_list(rig)
    assert (row["generationId"], row["state"]) == ("lost", "ended")
    orphan = next(task["id"] for task in tasks(rig) if task["id"] != followed)

    # A slip of the pen deletes nobody's video.
    refused = settle(rig, "lost", "bob", f"--task-id={followed}")
    assert refused.returncode == 1 and "fine" in refused.stderr
    refused = settle(rig, "fine", "bob", "--none")
    assert refused.returncode == 1 and "nothing is unknown" in refused.stderr

    assert outcome(settle(rig, "lost", "bob", f"--task-id={orphan}")) == "deleting"
    wait_until(lambda: [task["id"] for task in rig.tasks_living()] == [followed], 30, "the orphan deleted")
    wait_until(lambda: metric(rig, "poller-0", 'reelgate_orphans_total{outcome="deleted"}') == 1, 20, "counted")
    assert unknown_list(rig) == []
    (row,) = unknown_list(rig, "--all")
    assert (row["state"], row["taskId"]) == ("settled", orphan)
    assert rig.observer.types("lost") == ["accepted", "failed"]
    books(rig, "bob", granted=3, available=2, reserved=1)


def test_a_word_never_deletes_a_task_that_is_followed(make_rig):
    """The same, past the command line's own check: somebody writes the word to jobs by hand."""
    rig = make_rig(run_ms="4s")
    start(rig)
    rig.grant_and_wait("eve", 1)
    rig.request("hers", "eve")
    task = rig.observer.event("hers", "submitted").data["taskId"]
    rig.publish(
        "jobs",
        {"generationId": "hers", "userId": "eve", "taskId": task},
        key="hers",
        headers={
            "ce_type": "reelgate.generation.submission_settled",
            "ce_specversion": "1.0",
            "ce_id": "by-hand",
            "ce_source": "test",
        },
    )
    rig.flush()
    rig.wait_fact("poller-0", "word_refused")
    assert rig.observer.event("hers", "completed", "failed", "cancelled").type == "generation.completed"
    assert rig.sandbox("/admin/state")["deletes"]["received"] == 0


# ---- the breaker


def provider_status(rig, tmp_path):
    key = tmp_path / "key"
    key.write_text(programs.SANDBOX_SECRET)
    workers = ",".join(rig.stack.processes[f"{name}-0"].more["health"] for name in ("generator", "poller"))
    done = rig.reelgate(
        "status",
        "--provider",
        "--json",
        f"--runway-base-url={rig.stack.sandbox_url}",
        f"--runway-api-secret-file={key}",
        f"--workers={workers}",
    )
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(
    "trouble,relief,state",
    [({"key": "key_other"}, {"key": None}, "key_refused"), ({"credits": 0}, {"credits": 100000}, "no_credit")],
)
def test_the_operators_trouble_holds_everybody_and_fails_nobody(make_rig, tmp_path, trouble, relief, state):
    rig = make_rig()
    start(rig, generator={"probe_ms": "200ms"}, poller={"probe_ms": "200ms"})
    rig.grant_and_wait("ann", 3)
    status, told = provider_status(rig, tmp_path)
    assert status == 0 and told["provider"]["state"] == "good"
    assert [row["breakerOpen"] for row in told["workers"]] == [0, 0]
    rig.sandbox("/admin/settings", trouble)
    for number in range(3):
        rig.request(f"wait-{number}", "ann")
    opened = rig.wait_fact("generator-0", "breaker_open")
    assert opened["level"] == "error"
    wait_until(lambda: metric(rig, "generator-0", "reelgate_breaker_open") == 1, 20, "the metric")
    ready, reasons = rig.ready("generator-0")
    assert not ready and any("runway" in reason for reason in reasons), reasons
    status, told = provider_status(rig, tmp_path)
    assert status == 1 and told["provider"]["state"] == state
    assert told["workers"][0]["breakerOpen"] == 1 and "runway" in told["workers"][0]["reasons"]
    books(rig, "ann", granted=3, reserved=3)
    assert rig.tasks_created() == 0
    wait_until(
        lambda: metric(rig, "generator-0", 'reelgate_runway_requests_total{op="organization",code="200"}')
        + metric(rig, "generator-0", 'reelgate_runway_requests_total{op="organization",code="401"}') >= 4,
        30,
        "probes",
    )
    rig.sandbox("/admin/settings", relief)
    for number in range(3):
        assert rig.observer.event(f"wait-{number}", "completed", "failed").type == "generation.completed"
    assert rig.facts("generator-0", "breaker_closed")
    books(rig, "ann", granted=3, spent=3)
    assert rig.tasks_created() == 3


def test_a_daily_limit_holds_its_model_for_minutes_and_says_so(make_rig):
    rig = make_rig(daily=1)
    start(rig)
    rig.grant_and_wait("ann", 3)
    rig.request("first", "ann")
    rig.observer.event("first", "completed")
    rig.request("second", "ann")
    said = rig.wait_fact("generator-0", "daily_limit")
    assert said["model"] == "gen4.5" and said["wait_ms"] >= 29000
    assert metric(rig, "generator-0", "reelgate_daily_limits_total") == 1
    rig.request("other-model", "ann", model="veo3.1")
    rig.observer.event("other-model", "completed")
    assert rig.observer.types("second") == ["accepted"]
    assert rig.sandbox("/admin/state")["creates"]["received"] == 3
    assert rig.ready("generator-0")[0], "other models go on"


# ---- limits and turns


def throttled(rig):
    return [task for task in tasks(rig) if task["status"] == "THROTTLED" and not task["deleted"]]


def test_no_more_is_submitted_than_runway_renders_at_once(make_rig):
    rig = make_rig(concurrency=2, run_ms="300ms", pending_ms="0")
    start(rig, generator={"limits_every_ms": "500ms"})
    rig.grant_and_wait("ann", 14)
    for number in range(12):
        rig.request(f"one-of-{number}", "ann")
    for number in range(12):
        while not rig.observer.results(f"one-of-{number}") or rig.observer.types(f"one-of-{number}")[-1] != "completed":
            assert not throttled(rig), "submitted beyond the account's concurrency"
            assert rig.observer.types(f"one-of-{number}")[-1:] != ["failed"]
            rig.observer.poll(0.1)
    # Killed with tasks alive, its successor counts them.
    rig.sandbox("/admin/settings", {"runMs": 60000})
    for number in range(2):
        rig.request(f"long-{number}", "ann")
        rig.observer.event(f"long-{number}", "submitted")
    rig.stack.processes["generator-0"].kill()
    rig.start("generator", limits_every_ms="500ms")
    rig.grant_and_wait("ann", 1)
    rig.request("behind", "ann")
    rig.observer.event("behind", "accepted")
    wait_until(lambda: metric(rig, "generator-0", "reelgate_tasks_live") == 2, 30, "both counted")
    wait_until(lambda: metric(rig, "generator-0", 'reelgate_generations_in_flight{state="ready"}') == 1, 20, "ready")
    assert rig.observer.types("behind") == ["accepted"] and len(rig.tasks_living()) == 2
    rig.sandbox("/admin/settings", {"concurrency": 3})
    rig.observer.event("behind", "submitted")
    assert not throttled(rig)


def test_a_user_with_many_jobs_delays_anothers_first_by_one_turn(make_rig):
    rig = make_rig(concurrency=1, run_ms="60s")
    start(rig, generator={"limits_every_ms": "500ms"})
    rig.grant_and_wait("busy", 40)
    rig.grant_and_wait("late", 1)
    rig.request("busy-0", "busy", prompt="busy-0")
    rig.observer.event("busy-0", "submitted")
    for number in range(1, 40):
        rig.request(f"busy-{number}", "busy", prompt=f"busy-{number}")
    waiting = 'reelgate_generations_in_flight{state="ready"}'
    wait_until(lambda: metric(rig, "generator-0", waiting) == 39, 30, "39 waiting")
    rig.request("late-0", "late", prompt="late-0")
    wait_until(lambda: metric(rig, "generator-0", waiting) == 40, 30, "40 waiting")
    while "late-0" not in [task["promptText"] for task in tasks(rig)]:
        alive = rig.tasks_living()
        assert len(alive) <= 1
        if alive and alive[0]["promptText"] != "late-0":  # the next turn
            rig.cancel(alive[0]["promptText"], "busy")
            wait_until(lambda: alive[0]["id"] not in [task["id"] for task in rig.tasks_living()], 30, "its end")
        assert len(tasks(rig)) <= 3
    prompts = [task["promptText"] for task in tasks(rig)]
    assert prompts.index("late-0") <= 2, prompts


# ---- progress


def test_progress_is_told_between_submission_and_end(make_rig):
    rig = make_rig(run_ms="4s", run_jitter=0)
    start(rig, poller={"progress_step": 10, "progress_every_ms": "0"})
    rig.grant_and_wait("ann", 1)
    done = rig.reelgate("request", "--user=ann", "--prompt=a boat", "--generation-id=boat", timeout=90)
    assert done.returncode == 0, done.stderr
    assert "rendering, " in done.stderr and " %" in done.stderr
    rig.observer.event("boat", "completed")
    types = rig.observer.all_types("boat")
    hints = [seen.data for seen in rig.observer.results("boat") if seen.type == "generation.progressed"]
    assert types == ["accepted", "submitted", *["progressed"] * len(hints), "completed"] and len(hints) >= 2
    told = [hint["progress"] for hint in hints]
    assert told == sorted(told) and all(later - former >= 0.1 - 1e-9 for former, later in zip(told, told[1:]))
    books(rig, "ann", granted=1, spent=1)
    rig.observer.to_the_end()
    assert not rig.observer.seen["dead-letters"], "a consumer did not know the event"


def test_sandbox_still_throttles_what_goes_over(make_rig):
    """Without our bound Runway queues by itself: nothing is lost by it."""
    rig = make_rig(concurrency=1, run_ms="200ms")
    start(rig, generator={"limits_every_ms": 0})
    rig.grant_and_wait("ann", 5)
    for number in range(5):
        rig.request(f"any-{number}", "ann")
    for number in range(5):
        assert rig.observer.event(f"any-{number}", "completed", "failed").type == "generation.completed"
