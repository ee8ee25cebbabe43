"""To come."""

# Documents and answers stand as they are sent.

from tests.codegen.corpus import Case

CASES: list[Case] = []
