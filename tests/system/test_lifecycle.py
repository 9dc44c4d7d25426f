"""How the workers start, wait, are looked at, re-read and stop."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest
import yaml

import load as loads
import oracle
from brokers import alter_topic
from places import ROOT
from forwarder import Forwarder
from stack import programs
from stack.process import wait_until


def health(rig, name, path):
    return programs.get(rig.stack.processes[name].more["health"] + path)


# ---- start


@pytest.mark.parametrize("program", programs.WORKERS)
def test_without_kafka_it_waits_and_then_goes_on(make_rig, program):
    rig = make_rig()
    later = Forwarder(rig.brokers.port())
    process = rig.start(program, ready=False, kafka_bootstrap_servers=f"127.0.0.1:{later.port}")
    if program == "admission":  # it needs somebody to verify Redis
        rig.start("ledger")
    name = f"{program}-0"
    wait_until(
        lambda: [
            line
            for line in rig.facts(name)
            if line["level"] in ("warn", "error") and "kafka" in json.dumps(line).lower()
        ],
        30,
        "a log line about Kafka",
        process,
    )
    ready, reasons = rig.ready(name)
    assert not ready and any("kafka" in reason.lower() for reason in reasons), reasons
    assert health(rig, name, "/healthz")[0] == 200 and process.alive()
    later.open()
    programs.wait_ready({name: process}, 60)
    later.close()


@pytest.mark.one_redis("a forwarder stands before one address; a Redis Cluster tells its nodes' own")
@pytest.mark.parametrize("program", ["admission", "ledger"])
def test_without_redis_it_waits_and_then_goes_on(make_rig, program):
    rig = make_rig()
    later = Forwarder(rig.stack.plan["ports"]["redis"])
    process = rig.start(program, ready=False, redis_url=f"redis://127.0.0.1:{later.port}")
    if program == "admission":
        rig.start("ledger")
    name = f"{program}-0"
    wait_until(
        lambda: [
            line
            for line in rig.facts(name)
            if line["level"] in ("warn", "error") and "redis" in json.dumps(line).lower()
        ],
        30,
        "a log line about Redis",
        process,
    )
    ready, reasons = rig.ready(name)
    assert not ready and any(
        "redis" in reason.lower() or "tokens" in reason.lower() for reason in reasons
    ), reasons
    assert health(rig, name, "/healthz")[0] == 200 and process.alive()
    later.open()
    programs.wait_ready({name: process}, 60)
    later.close()


def refusals(process):
    """Why a program that was started ended with status 3."""
    assert process.wait(30), f"it goes on: {process.said()[-1500:]}"
    assert process.exit_status() == 3, process.said()[-1500:]
    return [line["reason"] for line in programs.facts(process, "topic_refused")]


def test_a_topic_that_could_lose_money_is_refused_at_start(make_rig):
    """By every program that uses it, with the words of `topics check`; who doesn't use it starts. What no cluster of this
    size could give is only told."""
    rig = make_rig()
    alter_topic(rig.kafka, rig.prefix + "journal", "retention.ms", "604800000")
    started = {name: rig.start(name, ready=False) for name in ("admission", "ledger", "poller")}
    for name in ("admission", "ledger"):
        [reason] = refusals(started[name])
        assert reason.startswith(f"{rig.prefix}journal: retention.ms is 604800000, must be -1"), reason
    programs.wait_ready({"poller-0": started["poller"]})
    replicas = re.search(r"^reelgate_topic_replicas (\d+)$", health(rig, "poller-0", "/metrics")[1], re.MULTILINE)
    assert int(replicas[1]) == rig.brokers.count
    assert bool(rig.facts("poller-0", "topics_few_replicas")) == (rig.brokers.count < 3)
    for program in ("generator", "gateway"):
        reasons = refusals(rig.start(program, ready=False, replication=16))
        assert reasons and all(
            f"has {rig.brokers.count} replicas, must be at least 16" in reason or "min.insync.replicas is" in reason
            for reason in reasons
        ), reasons


# ---- stop


def test_sigterm_drains_and_another_start_goes_on(make_rig):
    """All are asked to stop in the middle of a load: each ends within its limit with status 0, and nothing
    is lost."""
    rig = make_rig()
    started = rig.start_workers()
    load = loads.make_load(seed=5, requests=200)
    loads.give_tokens(rig, load)
    loads.publish(rig, load, slice(0, 100))
    rig.observer.until(lambda: len(rig.observer.results()) > 20, 30, "twenty results")
    for process in started.values():
        process.signal(signal.SIGTERM)
    loads.publish(rig, load, slice(100, None))
    for name, process in started.items():
        assert process.wait(programs.DRAIN_SECONDS + 5), f"{name} did not end"
        assert process.exit_status() == 0, f"{name}: {process.exit_status()}: {process.said()[-2000:]}"
        assert [line["msg"] for line in rig.facts(name)][-1] == "stopped"
    rig.start_workers()
    loads.wait_finished(rig, load)
    oracle.verify(rig, load)


def test_drain_is_limited(make_rig):
    """A create call that hangs is not waited for longer than drain_ms."""
    rig = make_rig()
    rig.start("ledger")
    rig.start("admission")
    process = rig.start("generator", drain_ms="1s", revoke_ms="0")
    rig.grant_and_wait("slow", 1)
    rig.fault(create={"mode": "hang", "ms": 20000})
    rig.request("slow-1", "slow")
    rig.observer.event("slow-1", "accepted")
    wait_until(lambda: rig.tasks_created() == 1, 30, "the create call")
    began = time.monotonic()
    process.signal(signal.SIGTERM)
    assert process.wait(10), "it waits for the call that hangs"
    assert process.exit_status() == 0
    assert time.monotonic() - began < 8


# ---- looked at


@pytest.mark.parametrize("program", programs.WORKERS)
def test_health_endpoints(rig, program):
    name = f"{program}-0"
    assert health(rig, name, "/healthz")[0] == 200
    status, body = health(rig, name, "/readyz")
    assert status == 200 and json.loads(body) == {"ready": True, "reasons": []}
    assert health(rig, name, "/nowhere")[0] == 404


@pytest.mark.parametrize("program", programs.WORKERS)
def test_metrics_please_prometheus(rig, program):
    status, page = health(rig, f"{program}-0", "/metrics")
    assert status == 200
    assert "reelgate_build_info" in page and "process_resident_memory_bytes" in page
    if shutil.which("promtool"):
        done = subprocess.run(
            ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    else:
        for line in page.splitlines():
            assert re.fullmatch(r"#.*|[a-z_:]+(\{[^}]*\})? [-+0-9.eEInfNa]+", line), line


ALERTS = os.path.join(ROOT, "deploy", "prometheus", "alerts.yml")


def test_every_alert_is_about_metrics_that_there_are(rig):
    """Name and labels of each metric in deploy/prometheus/alerts.yml are on a page of a program."""
    rig.publish("requests", b"not json", fate="dead")  # dead letters are counted by reason, from the first on
    rig.flush()
    page = lambda program: health(rig, f"{program}-0", "/metrics")[1]
    wait_until(lambda: "reelgate_dlq_records_total" in page("admission"), 30, "the dead letter is counted")
    pages = "\n".join(page(program) for program in programs.WORKERS)
    with open(ALERTS, encoding="utf-8") as file:
        rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
    missing = []
    for rule in rules:
        assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"].keys() == {"summary", "description"}
        for name, labels in re.findall(r"\b(reelgate_[a-z_]+)(?:\{([^}]*)\})?", rule["expr"]):
            wanted = rf"^{name}\{{[^}}]*{re.escape(labels)}" if labels else rf"^{name}[{{ ]"
            if not re.search(wanted, pages, re.MULTILINE):
                missing.append(f"{rule['alert']}: {name}{{{labels}}}")
    assert not missing and len(rules) > 10
    if shutil.which("promtool"):
        done = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_one_trace_from_request_to_journal(rig):
    rig.grant_and_wait("traced", 1)
    rig.request("traced-1", "traced", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
    rig.observer.event("traced-1", "completed")
    observer = rig.observer

    def found():
        return {
            (seen.topic, seen.type): seen.headers.get("traceparent", b"").decode()
            for records in observer.seen.values()
            for seen in records
            if seen.topic not in ("requests", "dead-letters") and seen.value and seen.data.get("generationId") == "traced-1"
        }

    wanted = {
        ("results", "generation.accepted"),
        ("results", "generation.submitted"),
        ("results", "generation.completed"),
        ("jobs", "generation.job"),
        ("tasks", "generation.task"),
        ("journal", "tokens.entry"),
    }
    observer.until(
        lambda: wanted <= set(found())
        and sum(
            seen.data.get("kind") == "commit" and seen.data["generationId"] == "traced-1"
            for seen in observer.seen["journal"]
        )
        == 1,
        20,
        lambda: f"all of {wanted}, seen {set(found())}",
    )
    for place, traceparent in found().items():
        assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-01", traceparent), f"{place}: {traceparent}"
    for program in programs.WORKERS:
        lines = [line for line in rig.facts(f"{program}-0") if line.get("generation_id") == "traced-1"]
        assert lines, f"{program} logs nothing about the generation"
        assert all(line.get("trace_id") == TRACE for line in lines), lines


def test_logs_are_json_lines(rig):
    rig.grant_and_wait("logged", 1)
    rig.request("logged-1", "logged")
    rig.observer.event("logged-1", "completed")
    for program in programs.WORKERS:
        for line in rig.log_text(f"{program}-0").splitlines():
            fact = json.loads(line)
            assert {"ts", "level", "msg", "service", "instance"} <= set(fact), line
            assert fact["service"] == f"reelgate-{program}" and fact["instance"] == "0"
            assert programs.SANDBOX_SECRET not in line


# ---- told what to do


def journal_kinds(rig, user):
    return [seen.data["kind"] for seen in rig.observer.seen["journal"] if seen.key == user.encode()]


def test_cancel_before_it_is_submitted(make_rig):
    """No generator runs: the job waits in Kafka; the cancel meets it there."""
    rig = make_rig()
    for program in ("ledger", "admission", "poller"):
        rig.start(program)
    rig.grant_and_wait("regret", 1)
    rig.request("regret-1", "regret")
    rig.observer.event("regret-1", "accepted")
    rig.cancel("regret-1", "regret")
    time.sleep(0.5)
    rig.start("generator")
    cancelled = rig.observer.event("regret-1", "cancelled", "completed", "failed")
    assert cancelled.type == "generation.cancelled" and cancelled.data["charge"] == 0
    wait_until(
        lambda: rig.balance("regret") == {"granted": 1, "available": 1, "reserved": 0, "spent": 0},
        20,
        "the release",
    )
    assert rig.tasks_created() == 0


def test_cancel_while_it_renders(make_rig):
    """The task is there: it is deleted, and only then the hold ends."""
    rig = make_rig(run_ms="60s")
    rig.start_workers()
    rig.grant_and_wait("late", 2)
    rig.request("late-1", "late")
    rig.observer.event("late-1", "submitted")
    rig.cancel("late-1", "late")
    cancelled = rig.observer.event("late-1", "cancelled", "completed", "failed", seconds=40)
    assert cancelled.type == "generation.cancelled" and cancelled.data["taskId"]
    wait_until(
        lambda: rig.balance("late") == {"granted": 2, "available": 2, "reserved": 0, "spent": 0},
        20,
        "the release",
    )
    assert rig.tasks_created() == 1
    assert not rig.tasks_living(), "the provider still has the task"


def test_cancel_of_somebody_else_is_a_dead_letter(rig):
    rig.grant_and_wait("owner", 1)
    rig.request("owner-1", "owner")
    rig.observer.event("owner-1", "accepted")
    rig.cancel("owner-1", "thief")
    letter = rig.observer.until(
        lambda: [
            seen
            for seen in rig.observer.seen["dead-letters"]
            if seen.key == b"thief" or b"thief" in seen.value
        ],
        20,
        "the dead letter",
    )[0]
    assert letter.headers["dlq-error-code"] == b"unknown_generation"
    rig.observer.event("owner-1", "completed")


def test_a_negative_grant_corrects_but_not_below_zero(rig):
    rig.grant_and_wait("corrected", 5)
    rig.grant("corrected", -2, "correction-1")
    wait_until(lambda: rig.balance("corrected")["available"] == 3, 20, "the correction")
    rig.grant("corrected", -4, "correction-2")
    rig.observer.until(
        lambda: [seen for seen in rig.observer.seen["dead-letters"] if b"correction-2" in seen.value],
        20,
        "the refused correction as a dead letter",
    )
    assert rig.balance("corrected") == {"granted": 3, "available": 3, "reserved": 0, "spent": 0}
    rig.grant("corrected", -3, "correction-3")
    wait_until(lambda: rig.balance("corrected")["available"] == 0, 20, "the exact correction")
    rig.observer.until(lambda: journal_kinds(rig, "corrected") == ["grant"] * 3, 10, "three entries")


def test_the_same_grant_twice_counts_once(rig):
    rig.grant("generous", 4, "grant-once")
    rig.grant("generous", 4, "grant-once")
    rig.grant("generous", 1, "grant-after")  # same key, same partition: judged after the other two
    rig.observer.until(lambda: len(journal_kinds(rig, "generous")) >= 2, 20, "two entries")
    rig.observer.to_the_end()
    assert journal_kinds(rig, "generous") == ["grant", "grant"]
    assert rig.balance("generous")["granted"] == 5


def test_sighup_reads_the_policy_again_and_keeps_it_when_broken(make_rig, tmp_path):
    with open(os.path.join(ROOT, "deploy", "policy.json"), encoding="utf-8") as file:
        policy = json.load(file)
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(policy))
    rig = make_rig()
    rig.start("ledger")
    process = rig.start("admission", policy=path)
    rig.grant_and_wait("priced", 100)

    def price(generation):
        rig.request(generation, "priced")
        quote = rig.observer.event(generation, "accepted").data["quote"]
        return quote["tokens"], quote["policyVersion"]

    def reload(text, fact):
        seen = len(rig.facts("admission-0", fact))
        path.write_text(text)
        process.signal(signal.SIGHUP)
        wait_until(lambda: len(rig.facts("admission-0", fact)) > seen, 10, f"the log line {fact}", process)

    assert price("priced-1") == (1, policy["version"])
    dearer = json.dumps({**policy, "version": "dearer", "price": {**policy["price"], "tokens": 7}})
    reload(dearer, "policy_read")
    assert price("priced-2") == (7, "dearer")
    reload(dearer.replace('"dearer"', '"broken", "unknown_key": 1'), "policy_refused")
    assert price("priced-3") == (7, "dearer")
