"""The shell in which a page's blocks are run."""

from pathlib import Path

from tests.support.page_blocks import blocks_of
from tests.support.page_scene import play

PAGE = """
```sh
mkdir inner && cd inner
nightpoll list --wrong || echo code $?
```

```yaml file=models.yaml
a: 1
```

```sh exits=3
(exit 3)
```

```python
print(open("models.yaml").read(), 1 + 1)
```

```sh
false
echo not here
```

```sh
echo nor here
```
"""


def test_blocks_share_one_shell_and_the_first_that_fails_is_named(tmp_path):
    page, folder = tmp_path / "page.md", tmp_path / "reader"
    page.write_text(PAGE)
    folder.mkdir()
    blocks = blocks_of(page)

    scene = play(blocks, folder)

    assert scene.broken == blocks[4].line
    assert "code 2" in scene.outputs[blocks[0].line]
    assert scene.outputs[blocks[3].line].split() == ["a:", "1", "2"]
    assert "not here" not in scene.outputs[blocks[4].line]
    assert Path(folder / "inner" / "models.yaml").exists()
