"""Lists that fetch themselves page by page, as far as they are read: by limit and offset, or by a connection's cursor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

# Covariant: a list of a subclass (a handle with more actions) is a list of its base, as the layer above overrides it.
Element = TypeVar("Element", covariant=True)

DEFAULT_PAGE_SIZE = 100


class Slice(NamedTuple, Generic[Element]):
    """Some elements of a connection, and the cursor behind which there are more; None where there are none."""

    elements: list[Element]
    next: str | None


class Window(Protocol):
    """Which elements of a list come next: the arithmetic of pages, without the waiting."""

    def next(self) -> dict[str, Any] | None:
        """The variables of the next request, or None after the last."""

    def came(self, answer: Any) -> list[Any]:
        """The elements that an answer brought; notes what that says about the next request."""
        ...


class OffsetWindow:
    """Pages by limit and offset: fewer elements than were asked for mean that there are no more."""

    __slots__ = ("_asked", "_done", "_left", "_offset", "_page_size")

    def __init__(self, limit: int | None, offset: int, page_size: int) -> None:
        self._left = limit
        self._offset = offset
        self._page_size = page_size
        self._done = limit == 0
        self._asked = 0

    def next(self) -> dict[str, Any] | None:
        if self._done:
            return None
        self._asked = self._page_size if self._left is None else min(self._page_size, self._left)
        return {"limit": self._asked, "offset": self._offset}

    def came(self, answer: Any) -> list[Any]:
        elements: list[Any] = answer or []
        count = len(elements)
        self._offset += count
        if self._left is not None:
            self._left -= count
        self._done = count < self._asked or self._left == 0
        return elements


class CursorWindow:
    """Pages of a Relay connection: the answer says whether there are more, and behind which cursor."""

    __slots__ = ("_after", "_done", "_left", "_page_size")

    def __init__(self, limit: int | None, after: str | None, page_size: int) -> None:
        self._left = limit
        self._after = after
        self._page_size = page_size
        self._done = limit == 0

    def next(self) -> dict[str, Any] | None:
        if self._done:
            return None
        asked = self._page_size if self._left is None else min(self._page_size, self._left)
        return {"first": asked, "after": self._after}

    def came(self, answer: Any) -> list[Any]:
        if answer is None:
            self._done = True
            return []
        elements: list[Any] = answer.elements
        if self._left is not None:
            # A server may send more than it was asked for.
            elements = elements[: self._left]
            self._left -= len(elements)
        # The same cursor again would never end.
        self._done = answer.next is None or answer.next == self._after or self._left == 0
        self._after = answer.next
        return elements


def offset_windows(limit: int | None, offset: int, page_size: int) -> Callable[[int | None], Window]:
    """Makes windows of a list by limit and offset, for all that is wanted or for fewer."""
    _check(limit=(limit, 0), offset=(offset, 0), page_size=(page_size, 1))
    return lambda most: OffsetWindow(*_narrowed(limit, most, page_size, offset))


def cursor_windows(limit: int | None, after: str | None, page_size: int) -> Callable[[int | None], Window]:
    """The same of a connection."""
    _check(limit=(limit, 0), page_size=(page_size, 1))
    return lambda most: CursorWindow(*_narrowed(limit, most, page_size, after))


def _narrowed(limit: int | None, most: int | None, page_size: int, start: Any) -> tuple[int | None, Any, int]:
    if most is None:
        return limit, start, page_size
    return (most if limit is None else min(limit, most)), start, min(page_size, most)


def _check(**values: tuple[int | None, int]) -> None:
    for name, (value, least) in values.items():
        if value is not None and value < least:
            raise ValueError(f"{name} is {least} or more, not {value}.")


class Pages(Generic[Element]):
    """A list that is fetched as it is read: `for x in pages` asks for one page after another and stops where you stop.

    Each iteration starts anew.
    """

    def __init__(
        self,
        fetch: Callable[[dict[str, Any]], Any],
        wrap: Callable[[Any], list[Element]],
        windows: Callable[[int | None], Window],
    ) -> None:
        self._fetch = fetch
        self._wrap = wrap
        self._windows = windows

    def pages(self) -> Iterator[list[Element]]:
        """The elements a page at a time, one request each."""
        return self._read(None)

    def _read(self, most: int | None) -> Iterator[list[Element]]:
        window = self._windows(most)
        while (variables := window.next()) is not None:
            elements = window.came(self._fetch(variables))
            if elements:
                yield self._wrap(elements)

    def __iter__(self) -> Iterator[Element]:
        for page in self._read(None):
            yield from page

    def all(self) -> list[Element]:
        """All elements; as many requests as there are pages."""
        return list(self)

    def first(self) -> Element | None:
        """The first element, or None where there is none: a request for one element."""
        for page in self._read(1):
            return page[0]
        return None


class AsyncPages(Generic[Element]):
    """`Pages`, for `async for`; awaiting it gives all elements as a list."""

    def __init__(
        self,
        fetch: Callable[[dict[str, Any]], Awaitable[Any]],
        wrap: Callable[[Any], list[Element]],
        windows: Callable[[int | None], Window],
    ) -> None:
        self._fetch = fetch
        self._wrap = wrap
        self._windows = windows

    def pages(self) -> AsyncIterator[list[Element]]:
        """The elements a page at a time, one request each."""
        return self._read(None)

    async def _read(self, most: int | None) -> AsyncIterator[list[Element]]:
        window = self._windows(most)
        while (variables := window.next()) is not None:
            elements = window.came(await self._fetch(variables))
            if elements:
                yield self._wrap(elements)

    async def __aiter__(self) -> AsyncIterator[Element]:
        async for page in self._read(None):
            for element in page:
                yield element

    def __await__(self) -> Generator[Any, None, list[Element]]:
        return self.all().__await__()

    async def all(self) -> list[Element]:
        """All elements; as many requests as there are pages."""
        return [element async for element in self]

    async def first(self) -> Element | None:
        """The first element, or None where there is none: a request for one element."""
        async for page in self._read(1):
            return page[0]
        return None
