"""Runway's Python SDK as it comes, against the sandbox: what real client code sees there."""

import time
import urllib.error
import urllib.request

import pytest
import runwayml
from runwayml import RunwayML, TaskFailedError

CAT = {"model": "gen4.5", "prompt_text": "a cat", "ratio": "1280:720", "duration": 5}


@pytest.fixture
def client(sandbox, key):
    return RunwayML(api_key=key, base_url=sandbox.url)


def once(client):
    return client.with_options(max_retries=0)


# ---- create, wait, output

def test_create_wait_output(client, sandbox):
    created = client.text_to_video.create(**CAT)
    assert created.estimated_cost.credits == 60
    task = created.wait_for_task_output()
    assert task.status == "SUCCEEDED" and task.cost.credits == 60 and len(task.output) == 1
    with urllib.request.urlopen(task.output[0], timeout=10) as film:
        assert film.headers["Content-Type"] == "video/mp4"
        assert film.read()[4:8] == b"ftyp"
    again = client.tasks.retrieve(task.id)
    assert again.output[0] != task.output[0], "each look signs anew"
    assert len(sandbox.admin("tasks")["tasks"]) == 1


def test_statuses_on_the_way(client, sandbox):
    sandbox.admin("settings", {"concurrency": 1})
    first = client.text_to_video.create(**{**CAT, "prompt_text": "[pending:0s] [run:60s]"})
    second = client.text_to_video.create(**CAT)
    running = client.tasks.retrieve(first.id)
    assert running.status == "RUNNING" and 0 <= running.progress < 1
    assert client.tasks.retrieve(second.id).status == "THROTTLED"
    client.tasks.delete(first.id)
    assert client.tasks.retrieve(second.id).status in ("PENDING", "RUNNING")


def test_upload_then_image_to_video(client, sandbox):
    upload = client.uploads.create_ephemeral(file=("frame.png", b"\x89PNG" + bytes(2000)))
    assert upload.uri.startswith("runway://")
    task = client.image_to_video.create(model="gen4_turbo", prompt_image=upload.uri, ratio="1280:720", duration=2)
    assert task.estimated_cost.credits == 10
    with pytest.raises(runwayml.BadRequestError):
        client.image_to_video.create(model="gen4_turbo", prompt_image="runway://nobody-put-this-here", ratio="1280:720")
    assert sandbox.admin("state")["uploads"] == 1


# ---- ends that are no success

@pytest.mark.parametrize("code, cost", [("SAFETY.INPUT.TEXT", 60), ("INTERNAL.BAD_OUTPUT.CODE01", 0), ("null", 0)])
def test_failed_task(client, code, cost):
    created = client.text_to_video.create(**{**CAT, "prompt_text": f"[fail:{code}] [run:0s] [pending:0s]"})
    task = client.tasks.retrieve(created.id)
    assert task.status == "FAILED" and task.cost.credits == cost
    assert task.failure_code == (None if code == "null" else code)


def test_waiting_for_a_failed_task_raises(client):
    with pytest.raises(TaskFailedError) as raised:
        client.text_to_video.create(**{**CAT, "prompt_text": "[fail:ASSET.INVALID]"}).wait_for_task_output()
    assert raised.value.task_details.failure_code == "ASSET.INVALID"


def test_unknown_status_is_no_crash(client):
    created = client.text_to_video.create(**{**CAT, "prompt_text": "[status:WEIRD] [run:60s]"})
    assert client.tasks.retrieve(created.id).status == "WEIRD"


# ---- cancel

@pytest.mark.parametrize("mark, refunded", [("[pending:60s]", True), ("[pending:0s] [run:60s]", False)])
def test_cancel(client, mark, refunded):
    before = client.organization.retrieve().credit_balance
    created = client.text_to_video.create(**{**CAT, "prompt_text": mark})
    client.tasks.retrieve(created.id)
    client.tasks.delete(created.id)
    with pytest.raises(runwayml.NotFoundError):
        client.tasks.retrieve(created.id)
    with pytest.raises(runwayml.NotFoundError):
        client.tasks.delete(created.id)
    assert client.organization.retrieve().credit_balance == before - (0 if refunded else 60)


# ---- errors

@pytest.mark.parametrize("change, path", [
    ({"duration": 11}, ["duration"]), ({"ratio": "1:1"}, ["ratio"]), ({"model": "gen9"}, ["model"]),
    ({"prompt_text": ""}, ["promptText"]), ({"prompt_text": "\U0001f3ac" * 501}, ["promptText"]),
    ({"seed": -1}, ["seed"]),
])
def test_validation(client, sandbox, change, path):
    with pytest.raises(runwayml.BadRequestError) as raised:
        client.text_to_video.create(**{**CAT, **change})
    assert raised.value.body["error"] == "Validation of body failed"
    assert path in [issue["path"] for issue in raised.value.body["issues"]]
    assert sandbox.admin("state")["created"] == 0


def test_500_pairs_of_surrogates_are_1000_units(client):
    client.text_to_video.create(**{**CAT, "prompt_text": "\U0001f3ac" * 500})


def test_wrong_key(sandbox, key):
    for wrong in ("key_short", key.upper(), key + "0"):
        with pytest.raises(runwayml.AuthenticationError):
            RunwayML(api_key=wrong, base_url=sandbox.url).organization.retrieve()


def test_wrong_version(sandbox, key):
    with pytest.raises(runwayml.BadRequestError):
        RunwayML(api_key=key, base_url=sandbox.url, runway_version="2023-01-01").organization.retrieve()


def test_no_credits(client, sandbox):
    sandbox.admin("settings", {"credits": 59})
    with pytest.raises(runwayml.BadRequestError) as raised:
        client.text_to_video.create(**CAT)
    assert "not have enough credits" in raised.value.body["error"]


def test_daily_limit(client, sandbox):
    sandbox.admin("settings", {"daily": 1})
    client.text_to_video.create(**CAT)
    with pytest.raises(runwayml.RateLimitError) as raised:
        once(client).text_to_video.create(**CAT)
    assert "retry-after" not in raised.value.response.headers
    assert client.organization.retrieve().usage.models["gen4.5"].daily_generations == 1


# ---- what the SDK's own retries do to a server: two POSTs are two tasks

@pytest.mark.parametrize("mode, tasks", [("reset", 2), ("status_after", 2), ("reset_before", 1), ("status", 1)])
def test_retries(client, sandbox, mode, tasks):
    sandbox.admin("faults", {"create": {"mode": mode, "status": 502, "count": 1}})
    client.text_to_video.create(**{**CAT, "prompt_text": "[id:twin] a cat"})
    assert len(sandbox.tasks("twin")) == tasks
    assert sandbox.admin("state")["namesWithMoreThanOneTask"] == tasks - 1


def test_hang_then_timeout(client, sandbox):
    sandbox.admin("faults", {"create": {"mode": "hang"}})
    with pytest.raises(runwayml.APITimeoutError):
        client.with_options(max_retries=1, timeout=0.5).text_to_video.create(**{**CAT, "prompt_text": "[id:hung]"})
    assert len(sandbox.tasks("hung")) == 2


# ---- money

def test_usage_reconciles_with_the_balance(client):
    before = client.organization.retrieve().credit_balance
    for mark in ("", "[fail:INTERNAL] [run:0s] [pending:0s]", "[fail:SAFETY.INPUT.TEXT] [run:0s] [pending:0s]", "[cost:7] [run:0s]"):
        client.text_to_video.create(**{**CAT, "prompt_text": mark + "x"})
    client.image_to_video.create(model="gen4_turbo", prompt_image="https://example.com/a.png", ratio="1280:720", duration=3)
    usage = client.organization.retrieve_usage()
    spent = sum(used.amount for day in usage.results for used in day.used_credits)
    assert spent == before - client.organization.retrieve().credit_balance
    assert set(usage.models) == {"gen4.5", "gen4_turbo"}


# ---- outputs

def status_of(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def test_output_urls_expire_and_are_signed(client):
    created = client.text_to_video.create(**{**CAT, "prompt_text": "[run:0s] [pending:0s] [expiry:300ms] [outputs:2]"})
    task = client.tasks.retrieve(created.id)
    assert len(task.output) == 2
    assert status_of(task.output[1], Range="bytes=4-7") == (206, b"ftyp")
    assert status_of(task.output[1].replace("_jwt=", "_jwt=0"))[0] == 403
    assert status_of(task.output[1].split("?")[0])[0] == 403
    time.sleep(0.4)
    assert status_of(task.output[1])[0] == 403
    assert status_of(client.tasks.retrieve(created.id).output[1])[0] == 200
