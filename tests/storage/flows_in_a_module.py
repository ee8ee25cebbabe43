"""A module with flows, as a user would write one."""

from __future__ import annotations

from penstock import flow, task


def helper(number: int) -> int:
    return number + 1


@task
def step(number: int) -> int:
    return helper(number)


@flow(name="stepping")
def walk(number: int) -> int:
    return step(helper(number))
