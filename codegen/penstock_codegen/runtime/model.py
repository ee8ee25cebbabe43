"""The base of the generated models, and how the members of a union are told apart."""

from __future__ import annotations

from typing import Any, Final, get_args

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Model(BaseModel):
    """An answer's object. Fields the model does not know are passed over: a server may say more than its schema did."""

    model_config = ConfigDict(
        extra="ignore",
        populate_by_name=True,
        protected_namespaces=(),
        defer_build=True,
    )


class UnknownObject(Model):
    """A member of a union that the schema did not have when this client was generated.

    `typename_` is its type's name. What the answer says of it beside that is in `model_extra`, as it came.
    """

    model_config = ConfigDict(extra="allow")

    typename_: str = Field(alias="__typename")
    """The name of the object's type."""


class _ByTypename:
    """Reads each object into the member that its `__typename` names, and those of any other name into the one that takes all.

    A member names its types as a literal; the one whose name is any text takes the rest. Finding the member is pydantic's own affair, so
    that it costs what it costs without the rest, which is looked at for unknown names only.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        members: dict[str, CoreSchema] = {}
        rest: CoreSchema | None = None
        own = ""
        attributes: set[str] = set()
        for class_ in get_args(source):
            attribute, types = _typenames(class_)
            attributes.add(attribute)
            schema = handler.generate_schema(class_)
            members |= dict.fromkeys(types, schema)
            if not types:
                rest, own = schema, attribute
        # By its key in an answer, or by its attribute where a model is made by hand.
        keys: list[list[str | int]] = [["__typename"]]
        for attribute in sorted(attributes):
            keys.append([attribute])
        known = core_schema.tagged_union_schema(dict(members), discriminator=keys)
        if rest is None:
            return known

        def not_known(found: Any) -> Any:
            # An object of a known type that does not fit is an error, not something else.
            if getattr(found, own) in members:
                raise PydanticCustomError("known_type", "The object's type has selections of its own")
            return found

        other = core_schema.no_info_after_validator_function(not_known, rest)
        # The labels are part of an error's path, where they would mean nothing.
        return core_schema.union_schema([(known, ""), (other, "")], mode="left_to_right")


def _typenames(class_: type[BaseModel]) -> tuple[str, tuple[str, ...]]:
    """The attribute that holds the type's name, and the names that it can be; none where it can be any."""
    for name, field in class_.model_fields.items():
        if field.alias == "__typename":
            return name, get_args(field.annotation)
    raise TypeError(f"{class_.__name__} has no __typename.")


BY_TYPENAME: Final = _ByTypename()
