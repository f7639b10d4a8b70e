"""Multipart form bodies as they arrive, piece by piece, into fields and one file on disk.

Written here because no installed library reads a form without holding the file in memory or asking for a package
of its own. Source of the format: RFC 7578 and RFC 2046 section 5.1.
"""

from email.message import Message

from emulator.files.spool import Segment, Spool

_MAX_FIELD_BYTES = 1 << 20


class BrokenFormError(Exception):
    """The body is no form."""


class FormReader:
    """Reads one form.

    Attributes:
        fields: name -> text of every part that is no file.
        files: name -> (file name, segments in `spool`).
        spool: the files' bytes.
    """

    def __init__(self, content_type: str) -> None:
        """Start.

        Raises:
            BrokenFormError: not multipart/form-data, or without a boundary.
        """
        header = Message()
        header["content-type"] = content_type
        boundary = header.get_param("boundary")
        if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
            raise BrokenFormError
        self.fields: dict[str, str] = {}
        self.files: dict[str, tuple[str, list[Segment]]] = {}
        self.spool = Spool()
        self._delimiter = b"\r\n--" + boundary.encode("latin-1")
        self._buffer = b"\r\n"  # so that the first delimiter looks like all others
        self._part: tuple[str, str | None] | None = None
        self._value = b""
        self._in_head = False
        self.is_complete = False

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body.

        Raises:
            BrokenFormError: a part without a name, or a field of more than a megabyte.
        """
        self._buffer += data
        while not self.is_complete and self._step():
            pass

    def _step(self) -> bool:
        return self._read_head() if self._in_head else self._read_content()

    def _read_content(self) -> bool:
        at = self._buffer.find(self._delimiter)
        if at < 0:
            keep = len(self._delimiter) - 1
            self._take(self._buffer[:-keep])
            self._buffer = self._buffer[-keep:]
            return False
        after = at + len(self._delimiter)
        if len(self._buffer) < after + 2:
            return False
        self._take(self._buffer[:at])
        self._end_part()
        self.is_complete = self._buffer[after : after + 2] == b"--"
        self._buffer = self._buffer[after:]
        self._in_head = True
        return True

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = self._buffer[:end].decode("utf-8", "replace").split("\r\n")
        head = Message()
        for line in lines:
            name, colon, value = line.partition(":")
            if colon:
                head[name.strip()] = value.strip()
        self._part = _names(head)
        self._buffer = self._buffer[end + 4 :]
        self._in_head = False
        return True

    def _take(self, data: bytes) -> None:
        if self._part is None or not data:
            return
        name, filename = self._part
        if filename is None:
            self._value += data
            if len(self._value) > _MAX_FIELD_BYTES:
                raise BrokenFormError
        else:
            self.files.setdefault(name, (filename, []))[1].append(self.spool.append(data))

    def _end_part(self) -> None:
        if self._part is None:
            return
        name, filename = self._part
        if filename is None:
            self.fields[name] = self._value.decode("utf-8", "replace")
        else:
            self.files.setdefault(name, (filename, []))
        self._part, self._value = None, b""


def _names(head: Message) -> tuple[str, str | None]:
    name = head.get_param("name", header="content-disposition")
    filename = head.get_param("filename", header="content-disposition")
    if not isinstance(name, str):
        raise BrokenFormError
    return name, filename if isinstance(filename, str) else None
