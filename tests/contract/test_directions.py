"""Both directions: what the encoder writes is valid by the schemas, and of what the schemas' examples are
turned into, the decoder accepts exactly what a real validator accepts."""

import copy
import json

import pytest

from contract import BYTES_MAX, decode, dump, messages, schemas, strict_loads, validator

SAMPLES = dump()["samples"]


def test_the_validator_checks_times():
    schema = validator("reelgate.tokens.entry")
    assert "date-time" in schema.format_checker.checkers
    good = schemas()["reelgate.tokens.entry"]["examples"][0]
    assert schema.is_valid(good)
    assert not schema.is_valid({**good, "at": "2026-02-30T00:00:00Z"})


def test_every_message_is_sampled():
    assert {sample["type"] for sample in SAMPLES} == set(messages())
    assert {sample["sample"] for sample in SAMPLES} == {"minimal", "least", "most", "strange"}


SAMPLE_IDS = [f"{sample['type']}-{sample['sample']}-{i}" for i, sample in enumerate(SAMPLES)]


@pytest.mark.parametrize("sample", SAMPLES, ids=SAMPLE_IDS)
def test_what_is_encoded_is_valid_and_reads_back(sample):
    raw = sample["value"].encode()
    value = strict_loads(raw)
    validator(sample["type"]).validate(value)
    [answer] = decode([(sample["type"], raw)])
    assert answer.startswith("ok "), answer
    assert answer.removeprefix("ok ") == sample["value"]


# ---- systematic mutations of the examples

TYPES = ["text", 7, 1.5, True, None, [], {}]


def filled(schema, length):
    prefix = "https://" if "https" in schema.get("pattern", "") else ""
    return prefix + "x" * (length - len(prefix))


def text_values(schema):
    for length in (schema.get("minLength", 0), schema.get("maxLength")):
        if length is not None:
            yield from (filled(schema, n) for n in (length - 1, length, length + 1) if n >= 0)
    if schema.get("maxLength", 0) > 100:
        yield "\U0001F98A" * schema["maxLength"]
        yield "\U0001F98A" * (schema["maxLength"] + 1)
    good = filled(schema, max(schema.get("minLength", 1), 20))
    yield from (good + tail for tail in "\n \t\"\\\u0001\u001f\u007f\u0080é\u2028/~\U0001F98A\ufffd")
    yield from (head + good for head in (" ", "\n", "é", "http://", "HTTPS://"))


TIMES = ["2026-11-23T05:54:48Z", "2026-11-23T05:54:48.123456789Z", "2026-11-23T05:54:48+01:30",
         "2026-11-23T05:54:48-23:59",
         "2024-02-29T00:00:00Z", "2023-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-13-01T00:00:00Z",
         "2026-00-01T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T05:60:00Z", "2026-11-23T05:54:61Z",
         "2026-11-23T05:54:48", "2026-11-23", "2026-11-23 05:54:48Z", "2026-11-23t05:54:48Z",
         "2026-11-23T05:54:48z", "2026-11-23T05:54:48.Z", "2026-11-23T05:54:48.1234567890Z",
         "2026-11-23T05:54:48+0100", "2026-11-23T05:54:48Z ",
         "2026-11-23T05:54:48Z\n", "1969-12-31T23:59:59Z", "1970-01-02T00:00:00Z", "9999-12-30T23:59:59Z",
         "20260-11-23T05:54:48Z", "", "now"]


def values_for(schema):
    """Values around a field's limits, good and bad: the validator says which is which."""
    yield from TYPES
    if schema.get("format") == "date-time":
        yield from TIMES
    elif "enum" in schema:
        yield from schema["enum"]
        yield from (schema["enum"][0].upper(), schema["enum"][0] + " ", "")
    elif schema["type"] == "string":
        yield from text_values(schema)
    elif schema["type"] in ("integer", "number"):
        for limit in (schema["minimum"], schema["maximum"]):
            yield from (limit - 1, limit, limit + 1, float(limit))
        yield from (0, 0.0, -0.0, 1e300, 2**63 - 1, 2**63, -2**63 - 1, 0.5)
    elif schema["type"] == "array":
        yield from (["x"] * n for n in (0, 1, schema["maxItems"], schema["maxItems"] + 1))
        yield from (["x", value] for value in values_for(schema["items"]))


def object_mutations(schema, instance):
    """(what was done, the instance so changed) for each member of the object and of those inside it."""
    for name in schema.get("properties", {}):
        member = schema["properties"][name]
        if name in instance:
            yield f"without {name}", {key: value for key, value in instance.items() if key != name}
        for value in values_for(member):
            yield f"{name}={value!r}"[:80], {**instance, name: value}
        if member["type"] == "object" and isinstance(instance.get(name), dict):
            for what, changed in object_mutations(member, instance[name]):
                yield f"{name}.{what}", {**instance, name: changed}
    yield "an unknown member", {**instance, "unknownMember": {"a": [1]}}
    yield "a name in other letters", {key.upper(): value for key, value in instance.items()}


def mutations(schema):
    for value in ([], "text", 7, 1.5, None, True, [{}]):
        yield f"the whole is {value!r}", value
    yield "empty", {}
    for example in schema["examples"]:
        yield "the example", copy.deepcopy(example)
        yield from object_mutations(schema, example)


def as_bytes(instance, escaped):
    """Both spellings of what is not ASCII, as far as the cap of 64 KiB allows."""
    raw = json.dumps(instance, ensure_ascii=escaped).encode()
    return raw if len(raw) <= BYTES_MAX else json.dumps(instance, ensure_ascii=False).encode()


@pytest.mark.parametrize("ce_type", sorted(messages()))
def test_decoder_and_validator_agree(ce_type):
    cases = list(mutations(schemas()[ce_type]))
    raw = [as_bytes(instance, i % 2 == 0) for i, (_, instance) in enumerate(cases)]
    answers = decode([(ce_type, value) for value in raw])
    accepted, disagreements = 0, []
    for (what, instance), answer in zip(cases, answers):
        valid = validator(ce_type).is_valid(instance)
        accepted += valid
        if valid != answer.startswith("ok "):
            verdict = "accepts" if valid else "refuses"
            disagreements.append(f"{what}: the validator {verdict}, the decoder says {answer[:120]}")
    assert disagreements == []
    assert 5 < accepted < len(cases) - 20, "mutations must go both ways"


@pytest.mark.parametrize("ce_type", sorted(messages()))
def test_examples_come_back_as_they_were(ce_type):
    examples = schemas()[ce_type]["examples"]
    answers = decode([(ce_type, json.dumps(example).encode()) for example in examples])
    for example, answer in zip(examples, answers):
        assert answer.startswith("ok "), answer
        again = strict_loads(answer.removeprefix("ok ").encode())
        if "outputExpiresAt" in example:      # written with milliseconds again
            again["outputExpiresAt"] = again["outputExpiresAt"].replace(".000Z", "Z")
        assert again == example


@pytest.mark.parametrize("ce_type", sorted(messages()))
def test_a_refusal_can_be_answered_when_the_ids_are_good(ce_type):
    """invalid (a rejection) or malformed (a dead letter): the ids alone decide."""
    names = [field["name"] for field in messages()[ce_type]["fields"]]
    for example in schemas()[ce_type]["examples"]:
        subject = next((name for name in ("generationId", "grantId") if name in example), None)
        if not subject or "userId" not in example:
            continue
        properties = schemas()[ce_type]["properties"]
        spoilt = [{**example, name: 1.5} for name in names
                  if name not in ("userId", "grantId", "generationId")
                  and properties[name]["type"] != "number"]
        lines = [json.dumps(instance).encode() for instance in spoilt]
        without = [{key: value for key, value in instance.items() if key != gone}
                   for instance in spoilt for gone in (subject, "userId")]
        answers = decode([(ce_type, line) for line in lines])
        assert all(answer.startswith("invalid ") for answer in answers), answers
        answers = decode([(ce_type, json.dumps(instance).encode()) for instance in without])
        assert all(answer.startswith("malformed ") for answer in answers), answers
