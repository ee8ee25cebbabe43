"""What can change, how bad each is, and how it is told: a table, so that a rule is read, and tested, on its own.

The measure is a program written against the old package. *Breaking*: it may stop type-checking, or fail when it runs. *Dangerous*: it goes
on, and may do something else than before. *Safe*: it cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Level(StrEnum):
    """How bad a change is, the worst first."""

    BREAKING = "breaking"
    DANGEROUS = "dangerous"
    SAFE = "safe"


Bump = Literal["major", "minor", "patch"]

_B, _D, _S = Level.BREAKING, Level.DANGEROUS, Level.SAFE

# rule → its level, and the sentence, in which {…} are filled by what changed.
RULES: dict[str, tuple[Level, str]] = {
    # the package
    "package-renamed": (_B, "The package {old} is now {new}; every import of it fails."),
    "context-removed": (_B, "The client no longer takes {name}."),
    "context-added": (_S, "The client takes {name}, which its calls fill in."),
    # resources and how they are found
    "resource-removed": (_B, "The resource is gone."),
    "resource-added": (_S, "A new resource."),
    "handle-removed": (_B, "Its objects can no longer be found: it has no lookup."),
    "handle-added": (_S, "Its objects can be found."),
    "lookup-removed": (_B, "It can no longer be found by {name}."),
    "lookup-added": (_S, "It can also be found by {name}."),
    # methods
    "method-removed": (_B, "The method is gone."),
    "method-renamed": (_B, "The method is now {new}."),
    "method-unfit": (_B, "Its operation does not fit the schema: {why}"),
    "method-added": (_S, "A new method."),
    "method-deprecated": (_S, "Deprecated: {why}"),
    "method-kept": (_S, "No longer deprecated."),
    "method-reads": (_D, "It was a mutation and is a query: it may be sent again after a failure."),
    "method-writes": (_D, "It was a query and is a mutation: it is not sent again after a failure."),
    "failure-added": (_D, "It raises ActionFailed where the answer says that it failed."),
    "failure-removed": (_D, "It no longer raises ActionFailed where the answer says that it failed."),
    # parameters
    "parameter-removed": (_B, "The parameter {name} is gone."),
    "parameter-renamed": (_B, "The parameter {old} is now {new}."),
    "parameter-added-required": (_B, "There is a new parameter {name}, and it must be given."),
    "parameter-added-optional": (_S, "There is a new parameter {name}, which may be left out."),
    "parameter-required": (_B, "The parameter {name} must now be given."),
    "parameter-optional": (_B, "The parameter {name} may be left out, and is passed by keyword only now."),
    "parameter-order": (
        _B,
        "Parameters that are passed by position have another order: {new}; it was {old}.",
    ),
    "parameter-narrowed": (_B, "{name} takes {new}; it took {old}."),
    "parameter-widened": (_S, "{name} takes {new}; it took {old}."),
    "parameter-changed": (_B, "{name} takes {new}; it took {old}."),
    # results
    "result-added": (_S, "It gives {new}; it gave nothing."),
    "result-widened": (_B, "It gives {new}; it gave {old}."),
    "result-narrowed": (_S, "It gives {new}; it gave {old}."),
    "result-changed": (_B, "It gives {new}; it gave {old}."),
    "result-untyped": (_D, "It gives {new}, which is not checked; it gave {old}."),
    # attributes of handles
    "attribute-removed": (_B, "The attribute is gone."),
    "attribute-added": (_S, "A new attribute."),
    "attribute-widened": (_B, "It is {new}; it was {old}."),
    "attribute-narrowed": (_S, "It is {new}; it was {old}."),
    "attribute-changed": (_B, "It is {new}; it was {old}."),
    "attribute-untyped": (_D, "It is {new}, which is not checked; it was {old}."),
    "attribute-unloaded": (
        _D,
        "It is not loaded by default any more: reading it sends a request, and on an async handle it raises NotLoaded.",
    ),
    "attribute-valueless": (_B, "It is a path only: a handle has no value of it."),
    "attribute-loaded": (_S, "It is loaded by default."),
    "attribute-pathless": (_B, "It can no longer be named in get(…)."),
    "attribute-pathful": (_S, "It can be named in get(…)."),
    "attribute-deprecated": (_S, "Deprecated: {why}"),
    "attribute-kept": (_S, "No longer deprecated."),
    # paths through interfaces and unions
    "path-ended": (_B, "Paths no longer go on through it."),
    "path-begun": (_S, "Paths go on through it."),
    "path-removed": (_B, "They can no longer go on by {name}."),
    "path-added": (_S, "They can also go on by {name}."),
    "path-widened": (_B, "{name} leads to {new}; it led to {old}."),
    "path-narrowed": (_S, "{name} leads to {new}; it led to {old}."),
    "path-changed": (_B, "{name} leads to {new}; it led to {old}."),
    "path-untyped": (_D, "{name} leads to {new}, which is not checked; it led to {old}."),
    # inputs
    "input-removed": (_B, "The input type is gone."),
    "input-added": (_S, "A new input type."),
    "input-field-removed": (_B, "The field {name} is gone."),
    "input-field-added-required": (_B, "There is a new field {name}, and it must be given."),
    "input-field-added-optional": (_S, "There is a new field {name}, which may be left out."),
    "input-field-required": (_B, "The field {name} must now be given."),
    "input-field-optional": (_S, "The field {name} may now be left out."),
    "input-field-narrowed": (_B, "{name} takes {new}; it took {old}."),
    "input-field-widened": (_S, "{name} takes {new}; it took {old}."),
    "input-field-changed": (_B, "{name} takes {new}; it took {old}."),
    # enums
    "enum-removed": (_B, "The enum is gone."),
    "enum-added": (_S, "A new enum."),
    "enum-member-removed": (_B, "The member {name} is gone."),
    # Enums are open: a program meets unknown members already.
    "enum-member-added": (_S, "A new member {name}."),
    "enum-member-changed": (_D, "The member {name} stands for {new}; it stood for {old}."),
    "enum-member-deprecated": (_S, "The member {name} is deprecated: {why}"),
    # models
    "model-removed": (_D, "The model is gone by this name."),
    "model-added": (_S, "A new model."),
    "model-field-removed": (_B, "The field {name} is gone."),
    "model-field-added": (_S, "A new field {name}."),
    "model-field-widened": (_B, "{name} is {new}; it was {old}."),
    "model-field-narrowed": (_S, "{name} is {new}; it was {old}."),
    "model-field-changed": (_B, "{name} is {new}; it was {old}."),
    "model-field-untyped": (_D, "{name} is {new}, which is not checked; it was {old}."),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: what a user would write to reach it (`client.flow.create()`, `Flow.name`), the rule, and a remedy if there is one."""

    what: str
    rule: str
    message: str
    hint: str = ""

    @property
    def level(self) -> Level:
        """How bad it is."""
        return RULES[self.rule][0]


def change(what: str, rule: str, *, hint: str = "", **facts: str) -> Change:
    """A change by its rule. `facts` fill the rule's sentence."""
    return Change(what, rule, RULES[rule][1].format(**facts), hint)


def worst_first(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes, the worst first, then by what they concern."""
    order = list(Level)
    return tuple(
        sorted(changes, key=lambda item: (order.index(item.level), item.what, item.rule, item.message))
    )


def bump(changes: Iterable[Change]) -> Bump:
    """The least step of a semantic version that tells users the truth: major for what breaks, minor for all that they can notice."""
    levels = {item.level for item in changes}
    if Level.BREAKING in levels:
        return "major"
    return "minor" if levels else "patch"
