import asyncio

from workers.limits.gate import LEAST, START, AdaptiveGate


async def queued(gate, owner, order):
    async with gate.turn(owner):
        order.append(owner)
        await asyncio.sleep(0)


async def test_owners_that_wait_are_served_in_turn():
    gate, order = AdaptiveGate(1), []
    async with gate.turn("first"):
        waiting = [asyncio.create_task(queued(gate, owner, order)) for owner in ["big"] * 5 + ["pilot"] * 2]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert order == ["big", "pilot", "big", "pilot", "big", "big", "big"]


async def test_trouble_halves_the_bound_once_a_second_and_answers_raise_it():
    gate = AdaptiveGate(128)
    gate.went_badly(10.0)
    gate.went_badly(10.5)
    assert gate.limit == START / 2
    gate.went_badly(11.5)
    gate.went_badly(13.0)
    gate.went_badly(15.0)
    assert gate.limit == LEAST
    for _ in range(LEAST):
        gate.went_well()
    assert LEAST < gate.limit <= LEAST + 1


async def test_caller_that_is_cancelled_while_it_waits_leaves_its_turn_to_the_next():
    gate, order = AdaptiveGate(1), []
    async with gate.turn("first"):
        waiting = asyncio.create_task(queued(gate, "gone", order))
        other = asyncio.create_task(queued(gate, "next", order))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await other
    assert order == ["next"]
