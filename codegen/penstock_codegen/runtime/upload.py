"""Files in variables: an `Upload` in a call makes its request multipart, read piece by piece while it is sent.

The form is that of the GraphQL multipart request specification (https://github.com/jaydenseric/graphql-multipart-request-spec): the
request as usual with null where a file belongs, a map of where that is, and the files.
"""

from __future__ import annotations

import io
import json
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from .values import encode_variables

if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK: Final = 256 * 1024
# What ends a quoted name in a part's head, as browsers write it (WHATWG HTML, "multipart/form-data encoding algorithm").
_QUOTED: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Upload:
    """A file to send as a variable of the scalar Upload, or inside an input object or a list.

    Args:
        source: A path, which is opened when the file is sent; the content as bytes; or a file that is open for reading bytes, which is
            sent from where it stands and stays open. It is read piece by piece.
        filename: The name that the server is told; else the path's or file's own, else "file".
        content_type: The media type, such as "image/png"; else what the name's ending stands for, else application/octet-stream.

    A file that cannot be rewound (a pipe, a download) is sent once: a call with it is never tried again. All others are.

    Raises:
        TypeError: The source is none of these, or is open for text.
    """

    __slots__ = ("_source", "_start", "content_type", "filename")

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes | IO[bytes],
        *,
        filename: str | None = None,
        content_type: str | None = None,
    ) -> None:
        if isinstance(source, io.TextIOBase):
            raise TypeError('This file is open for text; open it for bytes, with mode "rb".')
        if not isinstance(source, str | os.PathLike | bytes) and not hasattr(source, "read"):
            raise TypeError(
                f"An Upload is made of a path, bytes or an open file, not of {type(source).__name__}."
            )
        self._source = source
        self._start = source.tell() if _can_seek(source) else None  # type: ignore[union-attr]  # only a file can
        name = filename or (Path(_name(source)).name or "file")
        self.filename: Final = name
        self.content_type: Final = content_type or _guess(name)
        for value in (self.filename, self.content_type):
            if not value.isprintable():
                raise ValueError("A file's name and content type have no line breaks or control characters.")

    def __repr__(self) -> str:
        return f"Upload(filename={self.filename!r}, content_type={self.content_type!r})"

    @property
    def rewinds(self) -> bool:
        """Whether it can be sent more than once."""
        return isinstance(self._source, str | os.PathLike | bytes) or self._start is not None

    @property
    def size(self) -> int | None:
        """How many bytes will be sent, or None where that is not known before. Raises `OSError` where there is no such file."""
        source = self._source
        if isinstance(source, bytes):
            return len(source)
        if isinstance(source, str | os.PathLike):
            return Path(source).stat().st_size
        if self._start is None:
            return None
        end = source.seek(0, os.SEEK_END)
        source.seek(self._start)
        return max(0, end - self._start)

    def opened(self) -> tuple[Callable[[], bytes], Callable[[], None]]:
        """What reads the next piece of it (b"" at the end), and what to call behind the last; from its start each time it is asked."""
        source = self._source
        if isinstance(source, bytes):
            whole = io.BytesIO(source)
            return lambda: whole.read(_CHUNK), whole.close
        if isinstance(source, str | os.PathLike):
            file = Path(source).open("rb")  # noqa: SIM115  # closed by what is given back
            return lambda: file.read(_CHUNK), file.close
        if self._start is not None:
            source.seek(self._start)

        def read() -> bytes:
            piece = source.read(_CHUNK)
            if not isinstance(piece, bytes):
                raise TypeError(f"{self!r}: the file gave {type(piece).__name__} and not bytes.")
            return piece

        return read, lambda: None


def _can_seek(source: object) -> bool:
    seekable = getattr(source, "seekable", None)
    return callable(seekable) and bool(seekable())


def _name(source: object) -> str:
    if isinstance(source, bytes):
        return ""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    name = getattr(source, "name", "")
    return name if isinstance(name, str) else ""


def _guess(name: str) -> str:
    # Not at the top: it reads the system's tables.
    from mimetypes import guess_type

    return guess_type(name)[0] or "application/octet-stream"


def _without(value: Any, path: str, files: dict[Upload, list[str]]) -> Any:
    """A value with None for each file, noting where those were."""
    if isinstance(value, Upload):
        files.setdefault(value, []).append(path)
        return None
    if isinstance(value, Mapping):
        return {key: _without(item, f"{path}.{key}", files) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without(item, f"{path}.{index}", files) for index, item in enumerate(value)]
    return value


class _Form:
    """A request's body with files: `prefix` is all that stands before the variables of its JSON."""

    def __init__(self, prefix: bytes, variables: Mapping[str, Any]) -> None:
        files: dict[Upload, list[str]] = {}
        operations = prefix + encode_variables(_without(variables, "variables", files)) + b"}"
        self._boundary = f"penstock-{secrets.token_hex(16)}"
        self.repeatable: Final = all(upload.rewinds for upload in files)
        once = [upload._source for upload in files if not upload.rewinds]
        if len({id(source) for source in once}) < len(once):
            raise ValueError(
                "A file that cannot be rewound is in two Uploads; use the same Upload in both places."
            )
        names = {upload: str(number) for number, upload in enumerate(files)}
        places = {names[upload]: paths for upload, paths in files.items()}
        head = self._part('name="operations"') + operations
        head += (
            self._part('name="map"') + json.dumps(places, separators=(",", ":"), ensure_ascii=False).encode()
        )
        self._head = head
        self._parts = [
            (
                self._part(
                    f'name="{names[upload]}"; filename="{upload.filename.translate(_QUOTED)}"',
                    upload.content_type,
                ),
                upload,
            )
            for upload in files
        ]
        self._tail = f"\r\n--{self._boundary}--\r\n".encode()

    def _part(self, disposition: str, content_type: str = "") -> bytes:
        kind = f"Content-Type: {content_type}\r\n" if content_type else ""
        return (
            f"\r\n--{self._boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{kind}\r\n".encode()
        )

    def headers(self) -> dict[str, str]:
        """The headers that say what it is, and how long where that is known before."""
        told = {"Content-Type": f"multipart/form-data; boundary={self._boundary}"}
        length = len(self._head) + len(self._tail)
        for head, upload in self._parts:
            size = upload.size
            if size is None:
                return told
            length += len(head) + size
        return {**told, "Content-Length": str(length)}


class Multipart(_Form):
    """A request's body with files: each iteration gives it from the start."""

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        for head, upload in self._parts:
            yield head
            read, close = upload.opened()
            try:
                while piece := read():
                    yield piece
            finally:
                close()
        yield self._tail


class AsyncMultipart(_Form):
    """`Multipart`, for an async client."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        from asyncio import to_thread

        yield self._head
        for head, upload in self._parts:
            yield head
            # A disk may be slow, and a pipe may wait: other tasks go on meanwhile.
            read, close = await to_thread(upload.opened)
            try:
                while piece := await to_thread(read):
                    yield piece
            finally:
                close()
        yield self._tail
