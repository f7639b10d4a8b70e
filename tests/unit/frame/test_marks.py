"""The search of the leak test finds what it is there for, wherever it is planted."""

import base64
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from tests.support.marks import Mark, found_below, redis_contents
from workers import connection

KEY = Mark("key", "Zq7-LeakKey.With+Odd/Chars=")


def plain(path: Path) -> None:
    path.write_text(f"a log line with {KEY.text} in it")


def quoted(path: Path) -> None:
    path.write_text("redis://:Zq7-LeakKey.With%2BOdd%2FChars%3D@host")


def in_json(path: Path) -> None:
    path.write_text('"' + KEY.text.replace("/", "\\/") + '"')


def coded(path: Path) -> None:
    path.write_bytes(base64.b64encode(b"user:" + KEY.text.encode() + b" and more"))


def in_rows(path: Path) -> None:
    pd.DataFrame({"x": ["a", f"b {KEY.text} c"]}).to_parquet(path, compression="zstd")


def in_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", KEY.text * 3)


@pytest.mark.parametrize("plant", [plain, quoted, in_json, coded, in_rows, in_archive])
def test_search_finds_a_planted_key_and_nothing_without_it(tmp_path, plant):
    (tmp_path / "clean.txt").write_text("nothing")
    assert found_below(tmp_path, [KEY]) == []

    plant(tmp_path / "planted")

    assert found_below(tmp_path, [KEY]) == ["key in planted"]
    assert found_below(tmp_path, [KEY], allowed=["plant*"]) == []


def test_search_finds_a_key_in_the_name_of_a_file(tmp_path):
    (tmp_path / KEY.text.replace("/", "%2F").replace("+", "%2B").replace("=", "%3D")).touch()

    assert len(found_below(tmp_path, [KEY])) == 1


@pytest.mark.redis
def test_search_of_redis_sees_every_kind_of_value_and_into_messages(redis_url):
    client = connection.plain(redis_url)
    client.set("s", KEY.text)
    client.hset("h", KEY.text, 1)
    client.zadd("z", {KEY.text: 1})
    client.sadd("m", KEY.text)
    client.rpush("queue", json.dumps({"body": base64.b64encode(json.dumps([KEY.text]).encode()).decode()}))

    assert {key for key, value in redis_contents(client) if KEY.is_in(value)} == {"s", "h", "z", "m", "queue"}
