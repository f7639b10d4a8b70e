import pytest

from providers.keyless import KeyFilter, without_keys

KEY = "Zq7/Le+ak"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 100])
def test_key_goes_wherever_the_pieces_are_cut(size):
    content = b'{"a": "Zq7/Le+ak", "b": "Zq7\\/Le+ak Zq7/Le+aZq7/Le+ak"} Zq7/Le+a'
    keys = KeyFilter([KEY, ""])

    clean = b"".join(keys.feed(content[i : i + size]) for i in range(0, len(content), size)) + keys.end()

    assert clean == b'{"a": "[removed]", "b": "[removed] Zq7/Le+a[removed]"} Zq7/Le+a'
    assert clean == without_keys(content, [KEY])


def test_without_a_key_everything_stays():
    assert without_keys(b"abc" * 1000, []) == b"abc" * 1000
