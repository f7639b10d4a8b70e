from emulator.answering.prompt_cache import PromptCache

LONG = "abcd" * 1500


def test_repeated_long_prefix_is_cached_in_steps_of_128():
    cache = PromptCache()

    assert cache.cached_tokens([LONG + "x"], 1500) == 0
    assert cache.cached_tokens([LONG[: 4 * 1200] + "different" * 500], 1500) == 1152


def test_short_prompt_is_never_cached():
    cache = PromptCache()

    assert [cache.cached_tokens(["short"], 5) for _ in range(2)] == [0, 0]
