"""docker-compose.yml and the image's entry point, as far as they can be judged without a Docker engine."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from places import ROOT
from stack.programs import DRAIN_SECONDS, SANDBOX_SECRET, WORKERS

ENTRY = os.path.join(ROOT, "deploy", "lib", "container-entry.sh")


class Loader(yaml.SafeLoader):
    """Knows Compose's own tag."""


Loader.add_constructor("!reset", lambda loader, node: None)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return yaml.load(file, Loader)


@pytest.fixture(scope="module")
def compose():
    return read("docker-compose.yml")


def test_every_program_is_there(compose):
    services = compose["services"]
    assert {"kafka", "redis", "sandbox", "topics", *WORKERS} <= set(services)
    for name in WORKERS:
        assert services[name]["command"] == ["reelgate-" + name]


def test_references_resolve(compose):
    services = compose["services"]
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, f"{name} depends on {needed}"
            if how["condition"] == "service_healthy":
                assert (
                    "healthcheck" in services[needed]
                ), f"{name} waits for {needed}, which has no health check"
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name} publishes {port} to everybody"
        if "build" in service:
            assert os.path.exists(os.path.join(ROOT, service["build"]["dockerfile"]))


def test_workers_may_be_scaled(compose):
    for name in WORKERS:
        service = compose["services"][name]
        assert (
            "container_name" not in service and "ports" not in service
        ), f"{name} could not have two containers"
        assert (
            "REELGATE_INSTANCE_ID" not in service["environment"]
        ), "all containers would share one transactional id"
        assert int(service["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS


def test_only_the_provider_programs_have_a_key(compose):
    for name, service in compose["services"].items():
        key = service.get("environment", {}).get("RUNWAYML_API_SECRET")
        assert key == (SANDBOX_SECRET if name in ("generator", "poller") else None)


def test_image_is_not_root_and_installs_what_is_copied():
    with open(os.path.join(ROOT, "deploy", "Dockerfile"), encoding="utf-8") as file:
        text = file.read()
    last_stage = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001", last_stage, re.MULTILINE)
    for line in re.findall(r"^COPY (.*)$", text, re.MULTILINE):
        words = [word for word in line.split() if not word.startswith("--")]
        if "--from=" not in line:
            for source in words[:-1]:
                assert os.path.exists(os.path.join(ROOT, source)), f"COPY {source}: there is none"


def test_image_builds_from_what_it_copies(tmp_path):
    """The first stage's COPY lines, then its RUN line's configuration: nothing outside them is needed."""
    with open(os.path.join(ROOT, "deploy", "Dockerfile"), encoding="utf-8") as file:
        first_stage = re.split(r"^FROM ", file.read(), flags=re.MULTILINE)[1]
    for line in re.findall(r"^COPY (.*)$", first_stage, re.MULTILINE):
        *sources, target = line.split()
        for source in sources:
            source = os.path.join(ROOT, source)
            if os.path.isdir(source):
                shutil.copytree(source, tmp_path / target)
            else:
                shutil.copy(source, tmp_path / target)
    configure = re.search(r"cmake --preset \S+( -D\S+)*", first_stage)[0]
    done = subprocess.run(configure.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    targets = subprocess.run(
        ["ninja", "-C", "build/release", "-t", "targets", "all"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for program in ("reelgate", "reelgate-sandbox", "reelgate-gateway", *("reelgate-" + name for name in WORKERS)):
        assert re.search(rf"/{program}: C_EXECUTABLE_LINKER", targets), f"{program} would not be in the image"


def test_runway_override_names_known_services(compose):
    override = read("deploy/compose.runway.yml")
    assert set(override["services"]) == {"generator", "poller"} <= set(compose["services"])
    for service in override["services"].values():
        assert service["environment"]["RUNWAYML_API_SECRET"] is None
        assert service["environment"]["RUNWAYML_API_SECRET_FILE"] == "/run/secrets/" + service["secrets"][0]


@pytest.mark.parametrize(
    "name,instance",
    [
        ("172.18.0.7 reelgate-poller-2.reelgate_default", "2"),
        ("172.18.0.7 reelgate_poller_13.reelgate_default", "13"),
        ("172.18.0.7 9f86d081884c", "the-host"),  # no number of Compose's: the host name
        ("", "the-host"),
    ],
)
def test_each_container_has_its_own_instance_id(tmp_path, name, instance):
    for tool, says in (("getent", name), ("hostname", "the-host")):
        stand_in = tmp_path / tool
        stand_in.write_text(f"#!/bin/sh\necho '{says}'\n")
        stand_in.chmod(0o755)
    done = subprocess.run(
        [ENTRY, "sh", "-c", "echo $REELGATE_INSTANCE_ID"],
        text=True,
        capture_output=True,
        check=True,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
    )
    assert done.stdout.strip() == instance


def test_a_given_instance_id_is_kept():
    done = subprocess.run(
        [ENTRY, "sh", "-c", "echo $REELGATE_INSTANCE_ID"],
        text=True,
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"], "REELGATE_INSTANCE_ID": "slot-5"},
    )
    assert done.stdout.strip() == "slot-5"


def compose_tool():
    """docker compose, or its older form; None where there is neither."""
    for tool in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(tool[0])
            and subprocess.run([*tool, "version"], capture_output=True, check=False).returncode == 0
        ):
            return tool
    return None


@pytest.mark.skipif(compose_tool() is None, reason="no docker compose on this machine")
def test_compose_itself_agrees():
    done = subprocess.run(
        [*compose_tool(), "-f", os.path.join(ROOT, "docker-compose.yml"), "config", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
