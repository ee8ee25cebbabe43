"""Lists that fetch themselves: any limit, offset and page size against the slice of a list, and the requests that it takes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_codegen.runtime.pages import AsyncPages, Pages, offset_windows


class Source:
    """A list on a server, which counts how often it is asked and for how much."""

    def __init__(self, size: int) -> None:
        self.elements = list(range(size))
        self.asked: list[tuple[int, int]] = []

    def fetch(self, window: dict[str, Any]) -> list[int]:
        limit, offset = window["limit"], window["offset"]
        self.asked.append((offset, limit))
        return self.elements[offset : offset + limit]

    async def fetch_async(self, window: dict[str, Any]) -> list[int]:
        await asyncio.sleep(0)
        return self.fetch(window)


def named(numbers: list[int]) -> list[str]:
    return [f"#{number}" for number in numbers]


def pages(source: Source, limit: int | None = None, offset: int = 0, page_size: int = 10) -> Pages[str]:
    return Pages(source.fetch, named, offset_windows(limit, offset, page_size))


def async_pages(
    source: Source, limit: int | None = None, offset: int = 0, page_size: int = 10
) -> AsyncPages[str]:
    return AsyncPages(source.fetch_async, named, offset_windows(limit, offset, page_size))


@given(
    size=st.integers(0, 60),
    limit=st.none() | st.integers(0, 70),
    offset=st.integers(0, 70),
    page_size=st.integers(1, 70),
)
def test_any_window_is_the_slice(size: int, limit: int | None, offset: int, page_size: int) -> None:
    source = Source(size)
    end = None if limit is None else offset + limit
    expected = named(source.elements[offset:end])
    assert list(pages(source, limit, offset, page_size)) == expected
    sync_asked = list(source.asked)
    # No request asks for more than a page, none for what was not wanted, and none comes after a short one.
    assert all(0 < asked <= page_size for _, asked in sync_asked)
    if limit is not None:
        assert sum(asked for _, asked in sync_asked) <= limit or len(sync_asked) <= -(-limit // page_size)
    needed = -(-len(expected) // page_size)
    assert needed <= len(sync_asked) <= needed + 1

    async def read() -> list[str]:
        return await async_pages(source, limit, offset, page_size)

    source.asked.clear()
    assert asyncio.run(read()) == expected
    assert source.asked == sync_asked


def test_nothing_is_asked_before_it_is_read() -> None:
    source = Source(5)
    lazily = pages(source)
    iterator = iter(lazily)
    assert source.asked == []
    assert next(iterator) == "#0"
    assert source.asked == [(0, 10)]


def test_stopping_early_asks_for_no_more() -> None:
    source = Source(100)
    for element in pages(source):
        if element == "#14":
            break
    assert source.asked == [(0, 10), (10, 10)]


def test_an_exact_multiple_needs_one_more_request_to_be_known_as_the_end() -> None:
    source = Source(20)
    assert len(pages(source).all()) == 20
    assert source.asked == [(0, 10), (10, 10), (20, 10)]
    # With a limit the end is known.
    source.asked.clear()
    assert len(pages(source, limit=20).all()) == 20
    assert source.asked == [(0, 10), (10, 10)]


def test_the_last_page_asks_for_what_is_left() -> None:
    source = Source(100)
    assert len(pages(source, limit=25, offset=3).all()) == 25
    assert source.asked == [(3, 10), (13, 10), (23, 5)]


def test_each_iteration_starts_anew() -> None:
    source = Source(3)
    twice = pages(source)
    assert list(twice) == list(twice) == ["#0", "#1", "#2"]
    assert len(source.asked) == 2


def test_pages_a_page_at_a_time() -> None:
    source = Source(25)
    assert [len(page) for page in pages(source).pages()] == [10, 10, 5]
    assert list(pages(Source(0)).pages()) == []
    assert [len(page) for page in pages(Source(20)).pages()] == [10, 10]


def test_first_asks_for_one() -> None:
    source = Source(25)
    assert pages(source, offset=4).first() == "#4"
    assert source.asked == [(4, 1)]
    assert pages(Source(0)).first() is None
    source.asked.clear()
    assert pages(source, limit=0).first() is None
    assert source.asked == []


def test_the_async_twin() -> None:
    source = Source(25)

    async def run() -> None:
        assert await async_pages(source, offset=4).first() == "#4"
        assert source.asked == [(4, 1)]
        assert await async_pages(Source(0)).first() is None
        source.asked.clear()
        assert [len(page) async for page in async_pages(source).pages()] == [10, 10, 5]
        source.asked.clear()
        async for element in async_pages(source):
            if element == "#10":
                break
        assert source.asked == [(0, 10), (10, 10)]
        assert len(await async_pages(source)) == len(await async_pages(source).all()) == 25

    asyncio.run(run())


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ({"limit": -1}, "limit is 0 or more, not -1"),
        ({"offset": -1}, "offset is 0 or more, not -1"),
        ({"page_size": 0}, "page_size is 1 or more, not 0"),
    ],
)
def test_a_window_out_of_range_is_refused_at_once(window: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pages(Source(1), **window)
    with pytest.raises(ValueError, match=message):
        async_pages(Source(1), **window)


def test_an_error_in_the_middle_reaches_the_reader() -> None:
    source = Source(25)

    def fetch(window: dict[str, Any]) -> list[int]:
        if window["offset"] == 10:
            raise ConnectionError("gone")
        return source.fetch(window)

    read = []
    with pytest.raises(ConnectionError, match="gone"):
        for element in Pages(fetch, named, offset_windows(None, 0, 10)):
            read.append(element)  # what came before the error counts
    assert len(read) == 10
