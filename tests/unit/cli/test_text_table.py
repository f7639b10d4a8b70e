"""Tables in a pipe and on a narrow terminal."""

from cli.views import console, text_table


def test_table_in_a_pipe_folds_nothing(capsys):
    text_table.print_table("Title", ["name", "text"], [["n" * 70, "t" * 200]])

    assert f"{'n' * 70} │ {'t' * 200}" in capsys.readouterr().out


def test_table_on_a_narrow_terminal_folds_the_last_column_only(capsys, monkeypatch):
    monkeypatch.setattr(console.out, "_force_terminal", True)
    monkeypatch.setattr(console.out, "_width", 50)

    text_table.print_table("", ["share", "flags"], [["12345.678", "word " * 20]], right=[0])

    lines = capsys.readouterr().out.splitlines()
    assert any("12345.678" in line for line in lines)
    assert max(map(len, lines)) <= 50
