"""The schemas, the AsyncAPI document and the table of messages say the same, word for word."""

import pytest
import yaml

from contract import ROOT, dump, messages, schemas

WORD = r"^[!#-\[\]-~]*$"
TEXT = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]*$"
TIME = (r"^(19[7-9][0-9]|[2-9][0-9]{3})-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
        r"(Z|[+-][0-9]{2}:[0-9]{2})$")


def text_as_schema(field, pattern):
    return {"type": "string", "minLength": field["least"], "maxLength": field["most"], "pattern": pattern}


def as_schema(field):
    """The schema that a row of the table has to have, without its words."""
    kind, least, most = field["kind"], field["least"], field["most"]
    if kind == "id":
        return text_as_schema(field, "^[A-Za-z0-9._:-]*$")
    if kind == "word":
        return text_as_schema(field, WORD)
    if kind == "url":
        return text_as_schema(field, WORD.replace("^", "^https://"))
    if kind == "text":
        return text_as_schema(field, TEXT)
    if kind == "time":
        return {"type": "string", "format": "date-time", "pattern": TIME}
    if kind == "choice":
        return {"type": "string", "enum": field["choices"]}
    if kind == "context":
        return {"type": "object"}
    if kind in ("integer", "number"):
        return {"type": kind, "minimum": least, "maximum": most}
    if kind == "amount":
        return {"type": "integer", "minimum": least, "maximum": most, "not": {"const": 0}}
    if kind == "outputs":
        assert least == 0
        items = {"type": "string", "minLength": 1, "maxLength": field["itemMost"], "pattern": WORD}
        return {"type": "array", "maxItems": most, "items": items}
    assert kind == "object"
    return object_as_schema(field["parts"])


def object_as_schema(fields):
    schema = {"type": "object", "properties": {field["name"]: as_schema(field) for field in fields},
              "additionalProperties": True}
    required = [field["name"] for field in fields if field["required"]]
    return {**schema, "required": required} if required else schema


def without_words(schema):
    bare = {key: value for key, value in schema.items() if key != "description"}
    if "properties" in bare:
        bare["properties"] = {name: without_words(member) for name, member in bare["properties"].items()}
    return bare


def test_every_message_has_a_schema_and_no_schema_is_left_over():
    assert set(schemas()) == set(messages())
    assert len(messages()) >= 12


@pytest.mark.parametrize("ce_type", sorted(messages()))
def test_a_schema_says_what_the_table_says(ce_type):
    message, schema = messages()[ce_type], schemas()[ce_type]
    wanted = object_as_schema(message["fields"])
    if message["when"]:
        wanted["allOf"] = [
            {"if": {"required": ["kind"], "properties": {"kind": {"const": kind}}},
             "then": {"required": names}}
            for kind, names in message["when"].items()]
    frame = {"$schema": "https://json-schema.org/draft/2020-12/schema",
             "$id": f"urn:reelgate:schema:{ce_type}", "title": ce_type}
    bare = without_words(schema)
    assert bare.pop("examples")
    assert {key: bare.pop(key) for key in frame} == frame
    assert bare == wanted
    assert list(bare["properties"]) == list(wanted["properties"])
    assert list(bare["required"]) == list(wanted["required"])


def undescribed(schema, path):
    for name, member in schema.get("properties", {}).items():
        if not member.get("description"):
            yield f"{path}.{name}"
        yield from undescribed(member, f"{path}.{name}")


@pytest.mark.parametrize("ce_type", sorted(messages()))
def test_every_field_is_described(ce_type):
    assert schemas()[ce_type]["description"]
    assert list(undescribed(schemas()[ce_type], ce_type)) == []


# ---- asyncapi.yaml

# A cancellation follows its generation, and so does the operator's word: the same message under the
# generation's key.
FORWARDED = {"reelgate.generation.cancel_requested": ("jobs", "tasks"),
             "reelgate.generation.submission_settled": ("tasks",)}
DOCUMENT = yaml.safe_load((ROOT / "proto" / "asyncapi.yaml").read_text("utf-8"))


def channels():
    found = DOCUMENT["channels"].values()
    return {channel["address"].removeprefix("reelgate."): channel for channel in found}


def resolve(reference):
    node = DOCUMENT
    for step in reference["$ref"].removeprefix("#/").split("/"):
        node = node[step]
    return node


def test_asyncapi_has_the_tables_topics():
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(channels()) == {topic["name"] for topic in dump()["topics"]}
    for topic in dump()["topics"]:
        kafka = channels()[topic["name"]]["bindings"]["kafka"]
        assert set(kafka) == {"topic", "partitions", "topicConfiguration", "bindingVersion"}
        assert kafka["bindingVersion"] == "0.5.0"
        assert kafka["topic"] == "reelgate." + topic["name"]
        assert kafka["partitions"] == topic["partitions"], topic
        settings = {"cleanup.policy": ["delete"], "retention.ms": topic["retentionMs"]}
        if topic["logAppendTime"]:
            settings["message.timestamp.type"] = "LogAppendTime"
        assert kafka["topicConfiguration"] == settings, topic


def test_asyncapi_has_the_tables_messages_where_they_are_at_home():
    keys = {topic["name"]: topic["key"] for topic in dump()["topics"]}
    found = {}
    for name, channel in channels().items():
        for message in map(resolve, channel["messages"].values()):
            found.setdefault(message["name"], []).append(name)
            if name == "dead-letters":
                continue
            assert message["payload"] == {"$ref": f"schemas/{message['name']}.json"}
            assert (ROOT / "proto" / message["payload"]["$ref"]).is_file()
            assert message["contentType"] == "application/json"
            home = messages()[message["name"]]["topic"]
            key = message["bindings"]["kafka"]["key"]
            assert (key["type"], key["description"]) == ("string", keys[home])
    wanted = {ce_type: [message["topic"], *FORWARDED.get(ce_type, ())]
              for ce_type, message in messages().items()}
    assert found == {**wanted, "dead-letter": ["dead-letters"]}


def test_asyncapi_operations_name_channels_that_exist():
    used = {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values()}
    assert used == {f"#/channels/{name}" for name in DOCUMENT["channels"]}
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
