"""Every setting has help, default, range and unit; a wrong one is refused with one line and exit status 2,
before anything is touched."""

import os
import re
import subprocess

import pytest

import canary
from places import ROOT, bin_dir
from stack import programs

POLICY = os.path.join(ROOT, "deploy", "policy.json")
PROVIDER = {"RUNWAYML_API_SECRET": programs.SANDBOX_SECRET, "RUNWAYML_BASE_URL": "http://127.0.0.1:9"}


def run(program, *flags, **env):
    """Of a program that is expected to end at once. Nothing listens at the addresses: it could not do
    anything anyway."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("REELGATE_", "RUNWAYML_"))
    }
    return subprocess.run(
        [programs.binary(bin_dir(), "reelgate-" + program), *flags],
        env={**clean, **PROVIDER, **env},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


WRONG = [
    (["--drain-ms=never"], "drain"),
    (["--drain-ms=1000d"], "drain"),
    (["--log-level=loud"], "log"),
    (["--kafka-bootstrap-servers="], "kafka"),
    (["--instance-id="], "instance"),
    (["--health-address=nowhere"], "health"),
    (["--health-address=127.0.0.1:99999"], "health"),
    (["--config=/no/such/file"], "config"),
]
WRONG_OF = {
    "admission": [
        (["--redis-url=ftp://x"], "redis"),
        (["--batch-records=0"], "batch"),
        (["--policy=/no/such"], "policy"),
    ],
    "ledger": [(["--redis-url=nonsense"], "redis"), (["--batch-records=1000000"], "batch")],
    "generator": [
        (["--unknown-submission=maybe"], "unknown"),
        (["--max-in-flight=0"], "max"),
        (["--policy=/no/such"], "policy"),
    ],
    "poller": [(["--policy=/no/such"], "policy")],
}
ROWS = [(program, *row) for program in programs.WORKERS for row in WRONG + WRONG_OF[program]]


@pytest.mark.parametrize("program,flags,named", ROWS, ids=lambda value: "".join(value) if value else "")
def test_wrong_setting_is_one_line_and_exit_2(program, flags, named):
    done = run(program, *flags)
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert named in lines[0], "the setting is not named"
    value = flags[0].partition("=")[2]
    assert value in lines[0], "the value is not named"
    assert done.stdout == ""


KEYS = [("", "runway_api_secret is not set"), ("a\nb", "runway_api_secret")]  # none, and one that breaks its header


@pytest.mark.parametrize("program", ["generator", "poller"])
@pytest.mark.parametrize("key,named", KEYS)
def test_without_a_key_that_can_be_sent_nothing_begins(program, key, named):
    done = run(program, f"--policy={POLICY}", RUNWAYML_API_SECRET=key)
    assert done.returncode == 2 and named in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


@pytest.mark.parametrize("program", programs.WORKERS)
def test_unknown_setting_is_answered_with_the_nearest(program):
    done = run(program, "--drane-ms=1s")
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "drane" in done.stderr and re.search("drain[_-]ms", done.stderr), done.stderr


@pytest.mark.parametrize("program", programs.WORKERS)
def test_wrong_environment_is_refused_as_well(program):
    done = run(program, REELGATE_DRAIN_MS="soon")
    assert done.returncode == 2 and "soon" in done.stderr and len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("program", ["admission", "generator", "poller"])
def test_a_broken_policy_is_refused(program, tmp_path):
    broken = tmp_path / "policy.json"
    broken.write_text('{"version": "1", "surprise"')
    done = run(program, f"--policy={broken}")
    assert done.returncode == 2 and str(broken) in done.stderr, done.stderr


@pytest.mark.parametrize("program", ["generator", "poller"])
def test_the_key_never_shows(program):
    for flags in (["--print-config"], ["--help"], ["--runway-api-secret=" + "x" * 40]):
        done = run(program, *flags)
        assert programs.SANDBOX_SECRET not in done.stdout + done.stderr
        assert "x" * 40 not in done.stdout + done.stderr
    assert done.returncode == 2, "a secret on the command line is not refused"


@pytest.mark.parametrize("program", programs.WORKERS)
def test_help_explains_every_setting(program):
    """--print-config names every setting; --help has each with default or "No default", limits, unit and
    environment name."""
    names = set(
        re.findall(
            r"^#? ?(?:# )?([a-z_]+)(?: = | is not set)", run(program, "--print-config").stdout, re.MULTILINE
        )
    )
    assert {
        "kafka_bootstrap_servers",
        "topic_prefix",
        "instance_id",
        "health_address",
        "log_level",
        "drain_ms",
    } <= names
    done = run(program, "--help")
    assert done.returncode == 0 and done.stdout.index("Examples") < done.stdout.index("Settings")
    text = re.sub(r"\s+", " ", done.stdout)
    for name in names:
        flag = "--" + name.replace("_", "-")
        about = re.search(rf" {flag}(-file)?=\S+ (.*?)Environment REELGATE_{name.upper()}\b", text)
        assert about, f"{name} is not explained"
        assert "Default " in about[2] or "No default" in about[2], f"{name}: no default: {about[2]}"
        if name.endswith("_ms"):
            assert re.search(
                r"\d+.*(to|\.\.|between).*\d+", about[2].partition("Default")[2]
            ), f"{name}: no range: {about[2]}"


SET_UP = {**{program: [f"--policy={POLICY}"] for program in ("admission", "generator", "poller", "gateway")}, "ledger": []}


def secrets_of(program):
    return {"REELGATE_JWT_SECRET": "0123456789abcdef" * 4} if program == "gateway" else {}


@pytest.mark.parametrize("program", (*programs.WORKERS, "gateway"))
def test_check_config_and_version_touch_nothing(program):
    """What librdkafka will really have is printed as it reads it back (hazards K10)."""
    done = run(program, "--check-config", *SET_UP[program], **secrets_of(program))
    assert done.returncode == 0, done.stderr
    assert f"reelgate-{program}: configuration is good" in done.stdout
    for row in (
        "consumer: auto.offset.reset = error",
        "consumer: check.crcs = true",
        "consumer: isolation.level = read_committed",
        "producer: enable.idempotence = true",
        "producer: partitioner = murmur2_random",
    ):
        assert f"kafka {row} (fixed)\n" in done.stdout, done.stdout
    version = run(program, "--version")
    assert version.returncode == 0 and "librdkafka" in version.stdout


@pytest.mark.parametrize(
    "program,flags,named",
    [
        ("poller", ["--kafka.acks=1"], "acks"),
        ("generator", ["--kafka.no.such=1"], "no.such"),
        ("ledger", ["--redis-url=rediss://127.0.0.1:1"], "stunnel"),
        ("gateway", ["--redis-url=rediss://:the-canary@127.0.0.1:1"], "stunnel"),
        ("admission", ["--health-address=127.0.0.1"], "health_address"),
        ("gateway", ["--media-sources=a;b"], "media_sources"),
    ],
)
def test_check_config_judges_what_the_program_would(program, flags, named):
    done = run(program, "--check-config", *SET_UP[program], *flags, **secrets_of(program))
    assert done.returncode == 2 and named in done.stderr and done.stdout == "", done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "the-canary" not in done.stderr


def test_a_secret_in_a_log_is_noticed(tmp_path):
    """The search at the end of each run (conftest.py) can fail."""
    (tmp_path / "one" / "log").mkdir(parents=True)
    (tmp_path / "one" / "jwt.secret").write_text("c0ffee" * 10)
    log = tmp_path / "one" / "log" / "poller-0.log"
    log.write_text("all is well\n")
    assert not list(canary.leaks(tmp_path))
    for secret in ("c0ffee" * 10, programs.SANDBOX_SECRET):
        log.write_text(f"Authorization: Bearer {secret}\n")
        assert len(list(canary.leaks(tmp_path))) == 1
