"""To come."""

from tests.codegen.corpus import Case

CASES: list[Case] = []
