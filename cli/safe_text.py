"""Texts of models and survey files on a terminal: nothing in them may steer it."""


def safe(text: str) -> str:
    """The text with every control character but line ends made visible as `�`."""
    return "".join(c if c == "\n" or c.isprintable() else "�" for c in text)


def first_line(text: str | None, *, limit: int = 80) -> str:
    """The first line that is not blank, cut to `limit` characters; "" for no text."""
    lines = [line.strip() for line in (text if text is not None else "").splitlines() if line.strip()]
    if not lines:
        return ""
    line = safe(lines[0])
    return line if len(line) <= limit and len(lines) == 1 else line[: limit - 1].rstrip() + "…"
