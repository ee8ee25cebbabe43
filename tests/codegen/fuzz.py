"""Random APIs and random operations on them, valid by construction or left out: what the fuzz feeds to the generator."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    GraphQLUnionType,
    NoUnusedFragmentsRule,
    build_schema,
    get_named_type,
    is_leaf_type,
    parse,
    specified_rules,
    validate,
)
from hypothesis import strategies as st
from tests.codegen.corpus.texts import PAYLOADS, string

_NAMES = """
id name class from_ from fooBar foo_bar FooBar type node nodes edges items value values self get list json copy model_config model data
key keys status state user owner parent children next count total text title error errors success message url client field Field Model
Any str int None import_ import _id __x1 _2fa a b c x y z aB a_b query refresh on errorCode createdAt HTTPStatus
"""
_TYPE_NAMES = """
Thing User Order Item Page Client Field Model Operation Node Edge Animal Cat Dog Payload Result Error Event List Str Optional Union
Query_ thing foo_bar FooBar Foo_Bar fooBar _Hidden Any Literal Enum BaseModel Status Data OddData Type Input A B AB A_B
"""
_WORDS: list[str] = [*_NAMES.split()]
_TYPES: list[str] = [*_TYPE_NAMES.split()]
_FORMS = ("{}", "{}", "{}!", "[{}]", "[{}!]", "[{}!]!", "[{}]!", "[[{}!]]")


@dataclass
class _Maker:
    """One API in the making."""

    random: Random
    fragments: dict[str, str] = field(default_factory=dict)

    def some(self, items: list[str], least: int, most: int) -> list[str]:
        """Some of the items, each once, in random order."""
        return self.random.sample(items, min(len(items), self.random.randint(least, most)))

    def words(self, least: int, most: int) -> list[str]:
        return [word for word in self.some(_WORDS, least, most) if not word.startswith("__")]

    def said(self) -> str:
        """A description, or none."""
        if self.random.random() < 0.8:
            return ""
        return string(self.random.choice(list(PAYLOADS.values()))) + " "

    def form(self, name: str) -> str:
        return self.random.choice(_FORMS).format(name)

    # --------------------------------------------------------------------------------------------------------- the schema

    def schema(self) -> str:
        names = self.some(_TYPES, 10, 13)
        enums, inputs = [names.pop() for _ in range(2)], [names.pop() for _ in range(2)]
        interfaces = [names.pop() for _ in range(self.random.randint(0, 2))]
        unions = [names.pop() for _ in range(self.random.randint(0, 1))]
        leaves = ["Int", "String", "Boolean", "Float", "ID", "Text", *enums]
        outputs = [*leaves, *leaves, *names, *interfaces, *unions]
        lines = ["scalar Text"]
        for enum in enums:
            values = [word for word in self.words(1, 5) if word not in ("true", "false", "null")] or ["A"]
            lines.append(f"{self.said()}enum {enum} {{ {' '.join(values)} }}")
        for input_ in inputs:
            # Inputs may hold each other where a value can end.
            kinds = (
                (
                    word,
                    self.form(self.random.choice(leaves))
                    if self.random.random() < 0.7
                    else self.random.choice(inputs),
                )
                for word in self.words(1, 5)
            )
            fields = [f"{self.said()}{word}: {kind}" for word, kind in kinds] or ["a: Int"]
            lines.append(f"{self.said()}input {input_} {{ {' '.join(fields)} }}")
        arguments = [*leaves, *inputs]
        shared = {
            name: {word: self.field(outputs, arguments) for word in self.words(1, 3)} or {"id": ": ID!"}
            for name in interfaces
        }
        for name, common in shared.items():
            said = " ".join(f"{self.said()}{word}{rest}" for word, rest in common.items())
            lines.append(f"{self.said()}interface {name} {{ {said} }}")
        for index, name in enumerate(names):
            own = {word: self.field(outputs, arguments) for word in self.words(2, 6)} or {"id": ": ID!"}
            # Each interface has somebody who implements it.
            first = interfaces[index : index + 1]
            implemented = first if first else self.implemented(interfaces, shared)
            for each in implemented:
                own |= shared[each]
            said = " ".join(f"{self.said()}{word}{rest}" for word, rest in own.items())
            implements = f" implements {' & '.join(implemented)}" if implemented else ""
            lines.append(f"{self.said()}type {name}{implements} {{ {said} }}")
        for union in unions:
            lines.append(f"{self.said()}union {union} = {' | '.join(self.some(names, 1, 3))}")
        roots = {word: self.field(outputs, arguments) for word in self.words(3, 7)}
        roots |= {f"f{index}": f": {name}!" for index, name in enumerate(names + interfaces + unions)}
        lines.append("type Query { " + " ".join(f"{word}{rest}" for word, rest in roots.items()) + " }")
        lines.append("type Mutation { " + " ".join(f"{word}{rest}" for word, rest in roots.items()) + " }")
        return "\n".join(lines)

    def implemented(self, interfaces: list[str], shared: dict[str, dict[str, str]]) -> list[str]:
        """Interfaces whose fields agree."""
        found: list[str] = []
        seen: dict[str, str] = {}
        for name in self.some(interfaces, 0, 2):
            if all(seen.get(word, rest) == rest for word, rest in shared[name].items()):
                found.append(name)
                seen |= shared[name]
        return found

    def field(self, outputs: list[str], arguments: list[str]) -> str:
        """What stands behind a field's name."""
        taken = ""
        if self.random.random() < 0.25:
            given = " ".join(
                f"{word}: {self.form(self.random.choice(arguments))}" for word in self.words(1, 3)
            )
            taken = f"({given})" if given else ""
        deprecated = f" @deprecated(reason: {string('no more')})" if self.random.random() < 0.05 else ""
        return f"{taken}: {self.form(self.random.choice(outputs))}{deprecated}"

    # ---------------------------------------------------------------------------------------------------------- operations

    def selection(
        self, schema: GraphQLSchema, type_: GraphQLNamedType, variables: dict[str, str], depth: int
    ) -> str:
        """A selection set on a type."""
        parts: list[str] = []
        fields = type_.fields if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else {}
        for name in self.some(list(fields), 1, 4):
            named = get_named_type(fields[name].type)
            if is_leaf_type(named):
                below = ""
            elif depth > 0:
                below = f" {self.selection(schema, named, variables, depth - 1)}"
            else:
                continue
            alias = f"{self.random.choice(_WORDS)}: " if self.random.random() < 0.15 else ""
            given = self.arguments(fields[name], variables)
            parts.append(f"{alias}{name}{given}{self.condition(variables)}{below}")
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            members = [item.name for item in schema.get_possible_types(type_)]
            for name in self.some(members, 0, 3):
                member = schema.get_type(name)
                assert member is not None
                inner = self.selection(schema, member, variables, depth - 1 if depth else 0)
                parts.append(f"... on {name}{self.condition(variables)} {inner}")
        elif self.random.random() < 0.15:
            on = self.random.choice(["", f" on {type_.name}"])
            parts.append(f"...{on}{self.condition(variables)} {self.selection(schema, type_, variables, 0)}")
        if self.fragments and self.random.random() < 0.4:
            parts.append(f"...{self.random.choice(list(self.fragments))}{self.condition(variables)}")
        if not parts or self.random.random() < 0.1:
            parts.append(self.random.choice(["__typename", "kind: __typename"]))
        self.random.shuffle(parts)
        return "{ " + " ".join(parts) + " }"

    def condition(self, variables: dict[str, str]) -> str:
        if self.random.random() > 0.12:
            return ""
        word = self.random.choice(["with", "flag", "class"])
        variables[word] = "Boolean!"
        return f" @{self.random.choice(['include', 'skip'])}(if: ${word})"

    def arguments(self, definition: GraphQLField, variables: dict[str, str]) -> str:
        given = []
        for name, argument in definition.args.items():
            if not isinstance(argument.type, GraphQLNonNull) and self.random.random() < 0.4:
                continue
            if self.random.random() < 0.5:
                given.append(f"{name}: {self.literal(argument.type)}")
                continue
            word = self.random.choice(_WORDS)
            if variables.setdefault(word, str(argument.type)) == str(argument.type):
                given.append(f"{name}: ${word}")
            elif isinstance(argument.type, GraphQLNonNull):
                given.append(f"{name}: {self.literal(argument.type)}")
        return f"({', '.join(given)})" if given else ""

    def literal(self, type_: GraphQLType, depth: int = 2) -> str:
        """A value as an operation writes it."""
        if isinstance(type_, GraphQLNonNull):
            return self.literal(type_.of_type, depth)
        if isinstance(type_, GraphQLList):
            return (
                f"[{', '.join(self.literal(type_.of_type, depth) for _ in range(self.random.randint(0, 2)))}]"
            )
        if isinstance(type_, GraphQLEnumType):
            return self.random.choice(list(type_.values))
        if isinstance(type_, GraphQLInputObjectType):
            given = [
                f"{name}: {self.literal(item.type, depth - 1)}"
                for name, item in type_.fields.items()
                if isinstance(item.type, GraphQLNonNull) or (depth > 0 and self.random.random() < 0.5)
            ]
            return "{" + ", ".join(given) + "}"
        name = getattr(type_, "name", "")
        if name in ("Int", "Float"):
            return str(self.random.randint(-5, 1_000_000))
        if name == "Boolean":
            return self.random.choice(["true", "false"])
        return string(self.random.choice(list(PAYLOADS.values())))

    def project(self) -> dict[str, str]:
        """The files of a project; what would not be valid is left out."""
        text = self.schema()
        schema = build_schema(text)
        files = {"schema.graphql": text}
        composite = [
            item
            for item in schema.type_map.values()
            if isinstance(item, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
            and not item.name.startswith("__")
            and item.name not in ("Query", "Mutation")
        ]
        for name in self.some([word for word in _TYPES + _WORDS if word != "on"], 1, 3):
            type_ = self.random.choice(composite)
            made = f"fragment {name} on {type_.name} {self.selection(schema, type_, {}, 2)}"
            if "$" not in made and _valid(schema, [*self.fragments.values(), made]):
                self.fragments[name] = made
        files["queries/fragments.graphql"] = "\n".join(
            [*self.fragments.values(), "query aWord { __typename }"]
        )
        for name in self.some(_WORDS, 3, 6):
            kind, root = self.random.choice(
                [("query", schema.query_type), ("mutation", schema.mutation_type)]
            )
            assert root is not None
            variables: dict[str, str] = {}
            selected = self.selection(schema, root, variables, 3)
            declared = " ".join(
                f"${word}: {type_}{self.default(schema, type_)}" for word, type_ in variables.items()
            )
            made = f"{kind} {f'({declared})' if declared else ''} {selected}"
            if _valid(schema, [*self.fragments.values(), made]):
                folder = "" if name == "get" else self.random.choice(["", "", "", "group/"])
                files[f"queries/{folder}{name}.graphql"] = made
        return files

    def default(self, schema: GraphQLSchema, type_: str) -> str:
        if self.random.random() > 0.3 or type_ == "Boolean!":
            return ""
        from graphql import parse_type, type_from_ast

        found = type_from_ast(schema, parse_type(type_))
        assert found is not None
        return f" = {self.literal(found)}"


_RULES = [rule for rule in specified_rules if rule is not NoUnusedFragmentsRule]


def _valid(schema: GraphQLSchema, texts: list[str]) -> bool:
    return not validate(schema, parse("\n".join(texts)), _RULES)


def projects() -> st.SearchStrategy[dict[str, str]]:
    """A random API and operations on it, as the files of a project. Each stands for a number, as nothing shrinks."""
    return st.integers(0, 2**32).map(lambda number: _Maker(Random(number)).project())
