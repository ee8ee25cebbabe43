"""Lists that fetch themselves page by page, as far as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Any, Generic, TypeVar

Element = TypeVar("Element", covariant=True)

DEFAULT_PAGE_SIZE = 100


class _Window:
    """Which elements of a list come next: the arithmetic of limit and offset, without the waiting."""

    __slots__ = ("_done", "_left", "_offset", "_page_size", "asked")

    def __init__(self, limit: int | None, offset: int, page_size: int) -> None:
        self._left = limit
        self._offset = offset
        self._page_size = page_size
        self._done = limit == 0
        self.asked = 0

    def next(self) -> dict[str, int] | None:
        """The variables of the next request, or None after the last."""
        if self._done:
            return None
        self.asked = self._page_size if self._left is None else min(self._page_size, self._left)
        return {"limit": self.asked, "offset": self._offset}

    def came(self, count: int) -> None:
        """Notes how many elements a request brought; fewer than asked for means that there are no more."""
        self._offset += count
        if self._left is not None:
            self._left -= count
        self._done = count < self.asked or self._left == 0


def _check(limit: int | None, offset: int, page_size: int) -> None:
    for name, value, least in (("limit", limit, 0), ("offset", offset, 0), ("page_size", page_size, 1)):
        if value is not None and value < least:
            raise ValueError(f"{name} is {least} or more, not {value}.")


class Pages(Generic[Element]):
    """A list that is fetched as it is read: `for x in pages` asks for one page after another and stops where you stop.

    Each iteration starts anew. `limit` is how many elements there are at most in all, `page_size` how many one request asks for.
    """

    def __init__(
        self,
        fetch: Callable[[dict[str, Any]], Any],
        wrap: Callable[[Any], list[Element]],
        *,
        limit: int | None,
        offset: int,
        page_size: int,
    ) -> None:
        _check(limit, offset, page_size)
        self._fetch = fetch
        self._wrap = wrap
        self._limit = limit
        self._offset = offset
        self._page_size = page_size

    def pages(self) -> Iterator[list[Element]]:
        """The elements a page at a time, one request each."""
        window = _Window(self._limit, self._offset, self._page_size)
        while (variables := window.next()) is not None:
            elements = self._fetch(variables)
            window.came(len(elements))
            if elements:
                yield self._wrap(elements)

    def __iter__(self) -> Iterator[Element]:
        for page in self.pages():
            yield from page

    def all(self) -> list[Element]:
        """All elements; as many requests as there are pages."""
        return list(self)

    def first(self) -> Element | None:
        """The first element, or None where there is none: one request for one element."""
        one = Pages(
            self._fetch, self._wrap, limit=1 if self._limit != 0 else 0, offset=self._offset, page_size=1
        )
        return next(iter(one), None)


class AsyncPages(Generic[Element]):
    """`Pages`, for `async for`; awaiting it gives all elements as a list."""

    def __init__(
        self,
        fetch: Callable[[dict[str, Any]], Awaitable[Any]],
        wrap: Callable[[Any], list[Element]],
        *,
        limit: int | None,
        offset: int,
        page_size: int,
    ) -> None:
        _check(limit, offset, page_size)
        self._fetch = fetch
        self._wrap = wrap
        self._limit = limit
        self._offset = offset
        self._page_size = page_size

    async def pages(self) -> AsyncIterator[list[Element]]:
        """The elements a page at a time, one request each."""
        window = _Window(self._limit, self._offset, self._page_size)
        while (variables := window.next()) is not None:
            elements = await self._fetch(variables)
            window.came(len(elements))
            if elements:
                yield self._wrap(elements)

    async def __aiter__(self) -> AsyncIterator[Element]:
        async for page in self.pages():
            for element in page:
                yield element

    def __await__(self) -> Generator[Any, None, list[Element]]:
        return self.all().__await__()

    async def all(self) -> list[Element]:
        """All elements; as many requests as there are pages."""
        return [element async for element in self]

    async def first(self) -> Element | None:
        """The first element, or None where there is none: one request for one element."""
        one = AsyncPages(
            self._fetch, self._wrap, limit=1 if self._limit != 0 else 0, offset=self._offset, page_size=1
        )
        async for element in one:
            return element
        return None
