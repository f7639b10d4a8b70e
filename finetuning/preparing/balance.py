"""Repeating rare answers until every answer to a question is as common. Off by default: it breaks the marginals."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence


def balanced_lines(lines: Sequence[bytes], *, seed: int) -> Iterator[bytes]:
    """The lines and repetitions of the rarer ones, shuffled.

    Args:
        lines: chat or prompt lines; lines belong together that ask the same question (`Question:` and what follows).
        seed: of choice and order.
    """
    groups: dict[str, dict[str, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        question, answer = _parts(line)
        groups[question][answer].append(line)
    rng = random.Random(seed)  # noqa: S311 - no secret
    found: list[bytes] = []
    for answers in groups.values():
        most = max(map(len, answers.values()))
        for same in answers.values():
            found += same
            found += rng.choices(same, k=most - len(same))
    rng.shuffle(found)
    yield from found


def _parts(line: bytes) -> tuple[str, str]:
    read = json.loads(line)
    if "messages" in read:
        *before, last = read["messages"]
        return str(before[-1]["content"]).rpartition("Question:")[2], str(last["content"])
    return str(read["prompt"]).rpartition("Question:")[2], str(read["completion"])
