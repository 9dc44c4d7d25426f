"""Kafka, Redis, the sandbox and our programs together, remembered in one directory.

<directory>/kafka, redis    their data and logs
<directory>/log             one log per program and instance
<directory>/run             one pid file per process; what is in none of them was not started by us
<directory>/stack.json      ports and how many instances were asked for
"""

import json
import os
import secrets
import signal
import subprocess
import time

from . import kafka, programs, redis
from .ports import free_port, is_free
from .process import StackError, forget, recall, remember

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
SERVICES = ("kafka", "redis", "sandbox")


class Stack:
    """tied: every process dies with this one. kafka_address: somebody else's broker, which is neither
    started nor stopped; redis_address the same, a URL. provider: (address, key) of Runway itself instead of the
    sandbox."""

    def __init__(
        self,
        directory,
        *,
        bin_dir=None,
        tied=True,
        kafka_address=None,
        redis_address=None,
        prefix="reelgate.",
        provider=None,
    ):
        self.directory = os.path.realpath(directory)
        self.bin_dir = bin_dir or os.path.join(ROOT, "build", "release")
        self.tied, self.kafka_address, self.prefix, self.provider = tied, kafka_address, prefix, provider
        self.redis_address = redis_address
        self.processes = {}  # those that this object started or found: name -> Process
        self.plan = self._read_plan()

    # ---- what is remembered

    def _read_plan(self):
        try:
            with open(os.path.join(self.directory, "stack.json"), encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError):
            return {"ports": {}, "instances": {}}

    def _write_plan(self):
        os.makedirs(self.directory, exist_ok=True)
        with open(os.path.join(self.directory, "stack.json"), "w", encoding="utf-8") as file:
            json.dump(self.plan, file)

    def _pid_file(self, name):
        return os.path.join(self.directory, "run", name + ".json")

    def find(self, name):
        """The living process of that name ("kafka", "poller-1"), or None."""
        process = self.processes.get(name)
        if process is not None and process.alive():
            return process
        process = recall(self._pid_file(name))
        if process is not None:
            self.processes[name] = process
        return process

    def _keep(self, name, process):
        self.processes[name] = process
        remember(self._pid_file(name), process)
        return process

    def _port(self, name):
        """The one it had before, so that addresses survive a restart; another one when somebody took it."""
        port = self.plan["ports"].get(name)
        if port is None or not is_free(port):
            port = free_port(avoid=self.plan["ports"].values())
            self.plan["ports"][name] = port
            self._write_plan()
        return port

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    # ---- addresses

    @property
    def kafka(self):
        return self.kafka_address or f"127.0.0.1:{self.plan['ports']['kafka']}"

    @property
    def redis_url(self):
        return self.redis_address or f"redis://127.0.0.1:{self.plan['ports']['redis']}"

    @property
    def sandbox_url(self):
        return f"http://127.0.0.1:{self.plan['ports']['sandbox']}"

    def gateway_url(self, instance=0):
        return f"http://127.0.0.1:{self.plan['ports'][f'gateway-{instance}']}"

    # ---- one process each; what lives already is left alone

    def start_kafka(self):
        if self.kafka_address is None and self.find("kafka") is None:
            libs = os.path.join(ROOT, "build", "kafka", "libs")
            self._keep(
                "kafka", kafka.start(self.path("kafka"), libs, port=self._port("kafka"), tied=self.tied)
            )

    def wait_kafka(self):
        if self.kafka_address is None:
            kafka.wait(self.find("kafka") or self.processes["kafka"])

    def start_redis(self):
        if self.redis_address is None and self.find("redis") is None:
            process = self._keep(
                "redis", redis.start(self.path("redis"), port=self._port("redis"), tied=self.tied)
            )
            redis.wait(process)

    def start_sandbox(self, **settings):
        if self.find("sandbox") is not None:
            return
        settings = {"address": f"127.0.0.1:{self._port('sandbox')}", **settings}
        process = programs.start(
            programs.binary(self.bin_dir, "reelgate-sandbox"),
            settings,
            log=self.path("log", "sandbox.log"),
            tied=self.tied,
        )
        self._keep("sandbox", process)
        programs.listening(process, "the sandbox", "sandbox_listening")

    def _health_port(self, program, instance):
        """The one it found for itself when it was started first, if it is still free: others know it by that."""
        port = self.plan["ports"].get(f"{program}-{instance} health", 0)
        return port if port and is_free(port) else 0

    def workers(self):
        """Where the living workers say how they are, as the gateway's setting names them."""
        return ",".join(
            f"{name}={self.find(name).more['health'].removeprefix('http://')}"
            for name in self.program_names()
            if not name.startswith("gateway-") and self.find(name) and "health" in self.find(name).more
        )

    def settings_of(self, program, instance):
        settings = {
            "kafka_bootstrap_servers": self.kafka,
            "topic_prefix": self.prefix,
            "instance_id": instance,
            "health_address": f"127.0.0.1:{self._health_port(program, instance)}",
        }
        if program in ("admission", "ledger", "gateway"):
            settings["redis_url"] = self.redis_url
        if program != "ledger":
            settings["policy"] = os.path.join(ROOT, "deploy", "policy.json")
        if program == "gateway":
            settings["address"] = f"127.0.0.1:{self._port(f'gateway-{instance}')}"
            settings["workers"] = self.workers()
            if self.provider is None:  # its videos come over plain HTTP
                settings["media_sources"] = f"https: {self.sandbox_url}"
        return settings

    def secrets_of(self, program):
        """The provider's address and key, for those two that talk to it; the environment's own never reach
        the others."""
        if program == "gateway":
            return {"RUNWAYML_API_SECRET": "", "REELGATE_JWT_SECRET": self.jwt_secret()}
        if program not in ("generator", "poller"):
            return {"RUNWAYML_API_SECRET": ""}
        address, key = self.provider or (self.sandbox_url, programs.SANDBOX_SECRET)
        return {"RUNWAYML_BASE_URL": address, "RUNWAYML_API_SECRET": key}

    def jwt_secret(self):
        """What signs this stack's bearer tokens; made once, and readable by its owner alone."""
        path = self.path("jwt.secret")
        if not os.path.exists(path):
            os.makedirs(self.directory, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_hex(32))
        with open(path, encoding="ascii") as file:
            return file.read()

    def token(self, user, role="user"):
        """A bearer token for the gateway."""
        made = self.run_reelgate("token", user, f"--role={role}")
        if made.returncode != 0:
            raise StackError(f"no token could be made: {made.stderr.strip()}")
        return made.stdout.strip()

    def console(self, user, role="user", instance=0):
        """A link that signs in: the token is in the fragment, which a browser sends to no server."""
        page = "admin" if role != "user" else ""
        return f"{self.gateway_url(instance)}/{page}#token={self.token(user, role)}"

    def start_program(self, program, instance=0, env=None, **settings):
        """Returns its Process, whose health address is in .more["health"]. env: beside its secrets."""
        name = f"{program}-{instance}"
        process = self.find(name)
        if process is not None:
            return process
        process = programs.start(
            programs.binary(self.bin_dir, "reelgate-" + program),
            {**self.settings_of(program, instance), **settings},
            log=self.path("log", name + ".log"),
            secrets={**self.secrets_of(program), **(env or {})},
            tied=self.tied,
        )
        self._keep(name, process)
        process.more["health"] = programs.listening(process, name)
        self.plan["ports"][f"{name} health"] = int(process.more["health"].rpartition(":")[2])
        self._write_plan()
        if program == "gateway":
            programs.listening(process, name, "gateway_listening")
        return self._keep(name, process)

    def reelgate(self, *arguments):
        """The command line of the operator's tool against this stack, and the environment it needs."""
        self.jwt_secret()  # so that the file is there
        argv = [programs.binary(self.bin_dir, "reelgate"), *arguments]
        env = {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "REDIS_URL": self.redis_url,
            "REELGATE_TOPIC_PREFIX": self.prefix,
            "REELGATE_JWT_SECRET_FILE": self.path("jwt.secret"),
        }
        return argv, env

    def run_reelgate(self, *arguments, timeout=60):
        argv, env = self.reelgate(*arguments)
        return subprocess.run(
            argv,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def apply_topics(self, *more):
        done = self.run_reelgate("topics", "apply", *more)
        if done.returncode != 0:
            raise StackError(f"the topics could not be made: {done.stderr.strip() or done.stdout.strip()}")

    # ---- all of them

    def up(self, instances=None, say=lambda word: None):
        """Starts what is missing. instances: program -> how many; what is not named keeps the number it
        had."""
        self.plan["instances"].update(instances or {})
        self._write_plan()
        say("Starting Kafka, Redis and the sandbox" if self.provider is None else "Starting Kafka and Redis")
        self.start_kafka()
        self.start_redis()
        if self.provider is None:
            self.start_sandbox()
        self.wait_kafka()
        say("Making the topics")
        self.apply_topics()
        say("Starting the programs")
        started = {}
        for program in programs.PROGRAMS:
            for instance in range(self.plan["instances"].get(program, 1)):
                started[f"{program}-{instance}"] = self.start_program(program, instance)
        programs.wait_ready(started)

    def program_names(self):
        """Of those that have a pid file, in the order of PROGRAMS."""
        try:
            names = [
                name.removesuffix(".json") for name in os.listdir(self.path("run")) if name.endswith(".json")
            ]
        except FileNotFoundError:
            return []

        def place(name):
            program, _, instance = name.rpartition("-")
            return programs.PROGRAMS.index(program), int(instance)

        return sorted((name for name in names if name not in SERVICES), key=place)

    def status(self):
        """The living, as `deploy/local status --json` prints them; an address is host:port, health a base URL."""

        def service(name, address):
            process = self.find(name)
            return (
                {"address": address(process.more["port"]), "pid": process.pid}
                if process is not None
                else None
            )

        found = {
            "kafka": service("kafka", lambda port: f"127.0.0.1:{port}"),
            "redis": service("redis", lambda port: f"127.0.0.1:{port}"),
            "sandbox": None,
            "gateway": None,
            "programs": [],
        }
        sandbox = self.find("sandbox")
        if sandbox is not None:
            found["sandbox"] = {"address": self.sandbox_url.removeprefix("http://"), "pid": sandbox.pid}
        gateway = self.find("gateway-0")
        if gateway is not None:
            found["gateway"] = {"address": self.gateway_url().removeprefix("http://"), "pid": gateway.pid}
        for name in self.program_names():
            process = self.find(name)
            if process is not None:
                program, _, instance = name.rpartition("-")
                found["programs"].append(
                    {
                        "name": "reelgate-" + program,
                        "instance": instance,
                        "pid": process.pid,
                        "health": process.more.get("health"),
                    }
                )
        return found

    def stop(self, names, limit_seconds):
        """SIGTERM to all of them at once, SIGKILL to those that are still there after the limit. Their
        names."""
        living = {name: process for name in names if (process := self.find(name)) is not None}
        for process in living.values():
            process.signal(signal.SIGTERM)
        limit = time.monotonic() + limit_seconds
        killed = []
        for name, process in living.items():
            if not process.wait(max(0.0, limit - time.monotonic())):
                process.kill()
                killed.append(name)
        for name in names:
            forget(self._pid_file(name))
        return killed

    def down(self):
        """In reverse order of the start: those that use a thing before the thing."""
        return [
            *self.stop(self.program_names(), programs.DRAIN_SECONDS + 5),
            *self.stop(["sandbox"], 5),
            *self.stop(["redis"], 10),
            *(self.stop(["kafka"], 30) if self.kafka_address is None else []),
        ]

    def kill(self):
        """All at once, for data that nobody wants any more."""
        for name in [*self.program_names(), *SERVICES]:
            process = self.find(name)
            if process is not None:
                process.signal(signal.SIGKILL)
        for name in [*self.program_names(), *SERVICES]:
            process = self.processes.get(name)
            if process is not None:
                process.wait(10)
            forget(self._pid_file(name))
