"""Blocks of pages: what becomes of each, and outputs that are not those of the commands."""

import pytest

from tests.support.page_blocks import blocks_of, not_printed

PAGE = """
```sh
one
```

- in a list:

  ```sh no-run
  two
  ```

```sh another-terminal
three
```

```yaml file=a.yaml
four: 4
```

```text output
five
```

```yaml
six: 6
```

```sh exits=2
seven
```
"""


def test_blocks_of_a_page_have_their_kind_line_and_text_without_indent(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)

    blocks = blocks_of(page)

    assert [block.kind for block in blocks] == ["run", "no-run", "background", "file", "output", "shown", "run"]
    assert [block.text.split(":")[0].strip() for block in blocks] == [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
    ]
    assert blocks[1].line == 8
    assert blocks[6].value("exits") == "2"


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        pytest.param("tasks  440 (basic 200)", [], id="as printed"),
        pytest.param("tasks 12 (basic 7)", [], id="other numbers"),
        pytest.param("tasks ... 3)\nrun ... finished", [], id="left out in the middle"),
        pytest.param("anes-20261122-183031-c997 | finished", [], id="other run id"),
        pytest.param("tasks 440 (fancy 200)", ["tasks 440 (fancy 200)"], id="another word"),
        pytest.param("run r | failed", ["run r | failed"], id="another end"),
    ],
)
def test_shown_output_is_compared_without_numbers_and_ids(shown, missing):
    printed = "tasks        440 (basic 200)\nrun r\nanes-20260101-000000-beef | finished\n"

    assert not_printed(shown, printed) == missing
