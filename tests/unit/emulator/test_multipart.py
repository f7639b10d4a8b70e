import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.files.multipart import BrokenFormError, FormReader

TYPE = "multipart/form-data; boundary=AbC"


def form(content: bytes) -> bytes:
    return (
        b'--AbC\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--AbC\r\nContent-Disposition: form-data; name="file"; filename="in put.jsonl"\r\n'
        b"Content-Type: application/jsonl\r\n\r\n" + content + b"\r\n--AbC--\r\n"
    )


def read(body: bytes, size: int) -> FormReader:
    reader = FormReader(TYPE)
    for at in range(0, len(body), size):
        reader.feed(body[at : at + size])
    return reader


@given(
    content=st.lists(st.sampled_from([b"\r\n", b"--", b"AbC", b"\r\n--Ab", b"x", b"\n", b"\xff"])).map(b"".join),
    size=st.integers(1, 40),
)
def test_form_gives_its_bytes_back_however_it_is_cut(content, size):
    if b"\r\n--AbC" in b"\r\n" + content:
        return

    reader = read(form(content), size)

    filename, segments = reader.files["file"]
    assert reader.is_complete
    assert b"".join(reader.spool.chunks(segments)) == content
    assert (filename, reader.fields) == ("in put.jsonl", {"purpose": "batch"})


def test_form_that_ends_in_its_middle_is_not_complete():
    assert not read(form(b"abc")[:-6], 7).is_complete


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", ""])
def test_other_bodies_are_refused(kind):
    with pytest.raises(BrokenFormError):
        FormReader(kind)
