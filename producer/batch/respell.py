"""An input file for another deployment than the one it was packed for: other name, other url, same requests."""

import json
import os
from dataclasses import replace

from producer.batch.files import PRIVATE_MODE, BatchFile
from producer.batch.spelling import BatchSpec
from schemas.errors import StoreError
from storage.trouble import store_error


def respell_batch_file(file: BatchFile, packed_for: BatchSpec, wanted: BatchSpec) -> BatchFile:
    """The file with every line for another deployment, in its place; the same file if both are spelled alike.

    Raises:
        StoreError: it cannot be read or written, or is not spelled as said.
    """
    before, after = _head(packed_for), _head(wanted)
    if before == after:
        return file
    scratch = file.path.with_name(f".{file.path.name}.respelled")
    n_bytes = 0
    try:
        scratch.unlink(missing_ok=True)
        handle = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_MODE)
        with file.path.open("rb") as lines, os.fdopen(handle, "wb") as out:
            for line in lines:
                start, found, rest = line.partition(before)
                if not found:  # respelled already: the process died before it could say so
                    start, found, rest = line.partition(after)
                if not found:
                    raise StoreError("the input file of a batch is damaged.", where=str(file.path))
                n_bytes += out.write(start + after + rest)
            out.flush()
            os.fsync(out.fileno())
        scratch.replace(file.path)
    except OSError as e:
        raise store_error(e, file.path, "write") from e
    finally:
        scratch.unlink(missing_ok=True)
    return replace(file, n_bytes=n_bytes, sha256="")


def _head(spec: BatchSpec) -> bytes:
    """What stands on a line between its custom_id and its messages."""
    url, model = (json.dumps(text, ensure_ascii=False) for text in (spec.url, spec.wire_name))
    return f',"method":"POST","url":{url},"body":{{"model":{model},'.encode()
