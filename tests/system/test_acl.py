"""deploy/redis/users.acl (hazards R9): enough for everything that the programs do, and for nothing else."""

import json
import os

import pytest
import redis as redis_client
from redis.exceptions import AuthenticationError, NoPermissionError

import load as loads
import oracle
from load import FAILING_PROMPT, Ask, Load
from places import ROOT
from stack import programs, redis
from stack.process import wait_until

USERS_FILE = os.path.join(ROOT, "deploy", "redis", "users.acl")
USERS = {"admission": "reelgate-admission", "ledger": "reelgate-ledger", "gateway": "reelgate-gateway",
         "cli": "reelgate-operator"}
PASSWORD = "only-for-this-test/with:marks@"
IN_URL = "only-for-this-test%2Fwith%3Amarks%40"


def users_file():
    with open(USERS_FILE, encoding="ascii") as file:
        return file.read()


# ---- what is refused


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of the file, to which passwords were given as its README says."""
    directory = tmp_path_factory.mktemp("acl")
    (directory / "users.acl").write_text(users_file() + f"user somebody on >{PASSWORD} ~* &* +@all\n")
    process = redis.start(str(directory), options={"aclfile": directory / "users.acl", "enable-debug-command": "yes"})
    try:
        wait_until(lambda: redis.command(process.more["port"], "PING"), 30, "Redis", process)
        admin = redis_client.Redis(port=process.more["port"], username="somebody", password=PASSWORD)
        for user in USERS.values():
            with pytest.raises(AuthenticationError):
                redis_client.Redis(port=process.more["port"], username=user, password="").ping()
            admin.acl_setuser(user, enabled=True, passwords=["+" + PASSWORD])
        admin.set("rg:{7}:user:ada", "x")
        admin.set("another's", "x")
        yield process.more["port"]
    finally:
        process.kill()


REFUSED_ALL = (
    ["FLUSHALL"], ["FLUSHDB"], ["KEYS", "*"], ["CONFIG", "SET", "appendonly", "no"], ["CONFIG", "GET", "*"],
    ["CONFIG", "REWRITE"], ["CONFIG", "RESETSTAT"], ["DEBUG", "SLEEP", "0"], ["SHUTDOWN", "NOSAVE"], ["SAVE"], ["BGSAVE"],
    ["BGREWRITEAOF"], ["REPLICAOF", "NO", "ONE"], ["FAILOVER"], ["MONITOR"], ["CLIENT", "KILL", "TYPE", "normal"],
    ["CLIENT", "PAUSE", "1"], ["ACL", "LIST"], ["ACL", "SETUSER", "default", "on"], ["SCRIPT", "FLUSH"], ["SCRIPT", "KILL"],
    ["EVAL", "return 1", "0"], ["FUNCTION", "FLUSH"], ["MODULE", "LIST"], ["SWAPDB", "0", "1"], ["MIGRATE", "h", "1", "k", "0", "1"],
    ["CLUSTER", "RESET"], ["CLUSTER", "FORGET", "x"], ["RENAME", "rg:{7}:user:ada", "x"], ["COPY", "rg:{7}:user:ada", "x"],
    ["RESTORE", "rg:{7}:user:bob", "0", "x"], ["DUMP", "rg:{7}:user:ada"], ["MULTI"], ["PUBLISH", "c", "m"], ["SUBSCRIBE", "c"],
    ["GET", "another's"], ["HMGET", "another's", "f"], ["SORT", "rg:{7}:open"], ["LATENCY", "RESET"], ["SLOWLOG", "RESET"],
)  # fmt: skip
READ_ONLY = (
    ["DEL", "rg:{7}:user:ada"], ["UNLINK", "rg:{7}:user:ada"], ["SET", "rg:{7}:user:ada", "y"],
    ["HSET", "rg:{7}:user:ada", "available", "9"], ["HINCRBY", "rg:{7}:user:ada", "available", "9"],
    ["ZADD", "rg:{7}:open", "1", "g"], ["PEXPIRE", "rg:{7}:user:ada", "1"], ["PERSIST", "rg:{7}:user:ada"],
    ["EVALSHA", "0" * 40, "1", "rg:{7}:user:ada"],
)  # fmt: skip
REFUSED = {
    "admission": (*REFUSED_ALL, ["SCAN", "0"], ["UNLINK", "rg:{7}:user:ada"], ["SET", "another's", "y"]),
    "ledger": (*REFUSED_ALL, ["SET", "another's", "y"], ["UNLINK", "another's"]),
    "gateway": (*REFUSED_ALL, *READ_ONLY, ["SCAN", "0"]),
    "cli": (*REFUSED_ALL, *READ_ONLY),
}


@pytest.mark.parametrize("program", USERS)
def test_everything_else_is_refused(server, program):
    client = redis_client.Redis(port=server, username=USERS[program], password=PASSWORD)
    allowed = []
    for command in REFUSED[program]:
        try:
            client.execute_command(*command)
            allowed.append(command)
        except NoPermissionError:
            pass
    assert not allowed
    # The same from within a script that it loads itself.
    script = client.script_load("return redis.call('FLUSHALL')")
    with pytest.raises(redis_client.ResponseError, match="(?i)permission|can't run this command|ACL"):
        client.evalsha(script, 0)
    assert client.ping()


def test_nobody_comes_in_without_a_name(server):
    with pytest.raises(AuthenticationError):
        redis_client.Redis(port=server).ping()


# ---- what is needed


def url(rig, program):
    return f"redis://{USERS[program]}:{IN_URL}@127.0.0.1:{rig.stack.plan['ports']['redis']}"


def start_all(rig):
    started = {f"{name}-0": rig.start(name, ready=False, **({"redis_url": url(rig, name)} if name in USERS else {}))
               for name in programs.PROGRAMS}
    programs.wait_ready(started)


def said_by(rig, *words):
    done = rig.stack.run_reelgate(*words, "--redis-url=" + url(rig, "cli"))
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def story(rig, load, name):
    """One of everything that moves tokens, and of what moves none."""
    load.grants[name] = 3
    rig.publish("grants", {"grantId": f"grant-{name}", "userId": name, "amount": 3}, key=name)
    rig.flush()
    rig.observer.until(lambda: rig.balance(name)["available"] == 3, 60, "the grant")
    first = len(load.asks)
    for number, (kind, fields) in enumerate((("valid", {}), ("failing", {"prompt": FAILING_PROMPT}), ("invalid", {"ratio": "3:2"}))):
        generation = f"{name}-{number}"
        value = {"generationId": generation, "userId": name, "prompt": "A paper boat", **fields}
        value["prompt"] = f"[id:{generation}] {value['prompt']}"  # by which the oracle finds its task at the sandbox
        load.asks.append(Ask(name, value, kind, generation, "ratio" if kind == "invalid" else None))
    load.asks.append(load.asks[first])  # twice
    poor = f"poor-{name}"
    load.grants[poor] = 0
    load.asks.append(Ask(poor, {"generationId": poor, "userId": poor, "prompt": "A paper boat"}, "valid", poor))
    loads.publish(rig, load, slice(first, None))
    loads.wait_finished(rig, load)


@pytest.mark.one_redis("the users are given to one server; they are the same on each node")
def test_it_is_enough_for_the_whole_pipeline(make_rig):
    rig = make_rig()
    for line in users_file().splitlines():
        name, _, words = line.removeprefix("user ").partition(" ")
        if name != "default":  # the test's own eyes
            rig.redis.execute_command("ACL", "SETUSER", name, *split_rules(words), ">" + PASSWORD)
    start_all(rig)
    load = Load()
    story(rig, load, "ada")
    # The ledger empties and replays what another branch left, and scans for what is not there.
    rig.redis.flushall()
    story(rig, load, "bob")
    said_by(rig, "rebuild", "--user=ada")
    said_by(rig, "audit", "--settle-ms=0")
    assert json.loads(said_by(rig, "balance", "ada", "--json"))["spent"] == 1
    said_by(rig, "status", "ada-0", "--user=ada")
    status, body = programs.get(rig.stack.processes["gateway-0"].more["health"] + "/readyz")
    assert status == 200, body
    oracle.verify(rig, load)
    refused = [entry for entry in rig.redis.acl_log() if entry["username"] in USERS.values()]
    assert not refused, refused


def split_rules(words):
    """As Redis reads them: what is in brackets is one rule."""
    found, depth = [], 0
    for word in words.split(" "):
        if depth:
            found[-1] += " " + word
        else:
            found.append(word)
        depth += word.count("(") - word.count(")")
    return found
