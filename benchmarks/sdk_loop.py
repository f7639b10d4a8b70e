"""The loop anybody would write: AsyncOpenAI on aiohttp, so many calls in flight, `.create`, no queue, no landing.

`python -m benchmarks.sdk_loop PLAN.parquet BASE_URL N IN_FLIGHT` calls the endpoint with the plan's prompts and prints
processor seconds and seconds on the clock as JSON; a few calls before go unmeasured (imports, connections).
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pyarrow.parquet as pq
from openai import AsyncOpenAI, DefaultAioHttpClient

WARM_UP = 256


async def _call_all(sdk: AsyncOpenAI, prompts: list[Any], in_flight: int) -> None:
    async def pull(source: Iterator[Any]) -> None:
        for messages in source:
            answer = await sdk.chat.completions.create(
                model="loopback", messages=messages, temperature=0, max_completion_tokens=8
            )
            assert answer.choices[0].message.content, "the endpoint always answers"

    source = iter(prompts)
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(pull(source))


async def _measured(prompts: list[Any], base_url: str, in_flight: int) -> dict[str, float]:
    async with AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, http_client=DefaultAioHttpClient()) as sdk:
        await _call_all(sdk, prompts[:WARM_UP], in_flight)
        used, started_s = psutil.Process().cpu_times(), time.perf_counter()
        await _call_all(sdk, prompts, in_flight)
        seconds, after = time.perf_counter() - started_s, psutil.Process().cpu_times()
    return {"cpu_s": after.user + after.system - used.user - used.system, "seconds": seconds, "calls": len(prompts)}


def main() -> None:
    """Entry point."""
    plan, base_url, n, in_flight = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    turns = pq.ParquetFile(plan).read(columns=["turns"])["turns"].to_pylist()[:n]
    print(json.dumps(asyncio.run(_measured([json.loads(turn)[0] for turn in turns], base_url, in_flight))))


if __name__ == "__main__":
    main()
