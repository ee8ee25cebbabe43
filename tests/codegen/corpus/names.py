"""Names: keywords, builtins, dunders, pydantic's, our own, and names that are one name once they are Python's."""

# Documents and answers stand as they are sent.

# Documents and answers stand as they are sent.

from __future__ import annotations

from tests.codegen.corpus import Case, refused, works


def _fields(*names: str) -> str:
    """A schema whose Thing has these fields, all strings."""
    return (
        "type Query { thing: Thing! }\ntype Thing {\n"
        + "\n".join(f"  {name}: String" for name in names)
        + "\n}\n"
    )


def _selected(name: str, fields: dict[str, str]) -> Case:
    """A case that selects fields, each with the attribute that it becomes."""
    answer = {field: f"Thing.{field}" for field in fields}
    return works(
        name,
        _fields(*fields),
        f"query {{ thing {{ {' '.join(fields)} }} }}",
        ("client.odd()", answer),
        *((f"client.odd().{attribute}", f"Thing.{field}") for field, attribute in fields.items()),
    )


def _handle(name: str, fields: dict[str, str]) -> Case:
    """The same on a handle: by attribute, by path, and by name."""
    chosen = [field for field in fields if field != "id"]
    schema = "type Query { thing(id: ID!): Thing }\ntype Thing {\n  id: ID!\n"
    schema += "\n".join(f"  {field}: String" for field in chosen) + "\n}\n"
    queries = {
        "thing/fields.graphql": f"fragment thing_fields on Thing {{ id {' '.join(chosen)} }}",
        "thing/get.graphql": "query ($id: ID!) { thing(id: $id) { ...thing_fields } }",
    }
    calls: list[tuple[str, object]] = []
    for field in chosen:
        attribute = fields[field]
        calls += [
            (f'client.thing(id="1").refresh().{attribute}', f"Thing.{field}"),
            (f'client.thing(id="1").get(package.Thing.{attribute})', f"Thing.{field}"),
            (f'client.thing(id="1").get("{attribute}")', f"Thing.{field}"),
        ]
    return works(name, schema, queries, *calls)


def _type(name: str, type_: str, class_: str) -> Case:
    """A resource of a type, whose class gets another name where its own is taken."""
    schema = f"type Query {{ thing(id: ID!): {type_} list: [{type_}!]! }}\ntype {type_} {{ id: ID! name: String self: {type_} }}\n"
    queries = {
        f"{type_}/fields.graphql": f"fragment F on {type_} {{ id name self {{ id }} }}",
        f"{type_}/get.graphql": "query ($id: ID!) { thing(id: $id) { ...F } }",
        f"{type_}/list.graphql": "query { list { ...F } }",
        "one.graphql": "query { list { name } }",
    }
    return works(
        name,
        schema,
        queries,
        (f"package.{class_}.name is not None", True),
        ("client.one()", [{"name": f"{type_}.name"}] * 2),
    )


def _parameters(name: str, variables: dict[str, str], *, keyword: bool = False) -> Case:
    """A method whose variables become these parameters; the field answers with its arguments."""
    mark = "" if keyword else "!"
    declared = " ".join(f"${variable}: Int{mark}" for variable in variables)
    passed = " ".join(
        f"{letter}: ${variable}" for letter, variable in zip("abcdefghij", variables, strict=False)
    )
    schema = (
        "type Query { echo(a: Int b: Int c: Int d: Int e: Int f: Int g: Int h: Int i: Int j: Int): String }"
    )
    given = ", ".join(f"{parameter}={number}" for number, parameter in enumerate(variables.values()))
    sent = ", ".join(f'"{letter}": {number}' for number, letter in enumerate("abcdefghij"[: len(variables)]))
    return works(
        name,
        schema,
        f"query ({declared}) {{ echo({passed}) }}",
        (f"client.odd({given})", f"{{{sent}}}"),
        (f"(client.odd({given}), sent[0].variables)[1]", {v: n for n, v in enumerate(variables)}),
    )


def _operation(name: str, file: str, call: str) -> Case:
    """A method of the client's, called by the name that it gets."""
    return works(
        name,
        "type Query { word: String number: Int }",
        {f"{file}.graphql": "query { word }", "other.graphql": "query { word number }"},
        (f"client.{call}()", "Query.word"),
        ("client.other()", {"word": "Query.word", "number": 7}),
    )


_LONG = "a" * 300
_KEYWORDS = {
    "class": "class_", "from": "from_", "import": "import_", "def": "def_", "lambda": "lambda_", "None": "none", "True": "true",
    "async": "async_", "match": "match", "type": "type", "is": "is_", "in": "in_", "not": "not_", "yield": "yield_", "_": "field",
}  # fmt: skip
_BUILTINS = {
    name: name
    for name in (
        "str",
        "int",
        "list",
        "print",
        "object",
        "property",
        "id",
        "len",
        "super",
        "isinstance",
        "type",
    )
}
_PYDANTIC = {
    "model_config": "model_config_", "model_fields": "model_fields_", "model_dump": "model_dump_", "copy": "copy_", "json": "json_",
    "dict": "dict_", "schema": "schema_", "validate": "validate_", "construct": "construct_", "model_post_init": "model_post_init_",
    "model_validate_json": "model_validate_json_", "parse_obj": "parse_obj_", "model_anything": "model_anything",
}  # fmt: skip
_OURS = {
    "get": "get_", "query": "query_", "refresh": "refresh_", "on": "on", "client": "client", "values": "values", "items": "items",
    "keys": "keys", "self": "self_", "cls": "cls_", "operations": "operations", "annotations": "annotations", "typename": "typename",
}  # fmt: skip
_DUNDER = {
    "_class__": "class__",
    "_init__": "init__",
    "_doc_": "doc_",
    "_slots": "slots",
    "_2fa": "n2fa",
    "_1": "n1",
}

CASES: list[Case] = [
    _selected("fields that are keywords", _KEYWORDS),
    _selected("fields that are builtins", _BUILTINS),
    _selected("fields that are pydantic's", _PYDANTIC),
    _selected("fields that are a handle's own", _OURS),
    _selected("fields that start with an underscore or a digit then", _DUNDER),
    _handle("a handle's fields that are keywords", {k: v for k, v in _KEYWORDS.items() if k != "_"}),
    _handle("a handle's fields that are builtins", _BUILTINS),
    _handle("a handle's fields that are pydantic's", _PYDANTIC),
    _handle("a handle's fields that are its own", _OURS),
    _handle("a handle's fields with underscores", _DUNDER),
    _selected("a field of 300 characters", {_LONG: _LONG[:120], "b": "b"}),
    _handle("a handle's field of 300 characters", {_LONG: _LONG[:120]}),
    # Two origins of one Python name: the later one is told apart where its own spelling does that, else both are named.
    works(
        "fields that differ in case and underscore",
        _fields("fooBar", "foo_bar", "FooBar"),
        "query { thing { FooBar fooBar foo_bar } }",
        ("client.odd()", {name: f"Thing.{name}" for name in ("FooBar", "fooBar", "foo_bar")}),
        (
            "[client.odd().foo_bar, client.odd().foo_bar_, client.odd().foo_bar_2]",
            ["Thing.fooBar", "Thing.foo_bar", "Thing.FooBar"],
        ),
    ),
    works(
        "fields that meet once cleaned",
        _fields("from", "from_", "_id", "id", "model_config", "modelConfig"),
        "query { thing { from from_ _id id model_config modelConfig } }",
        (
            "client.odd()",
            {name: f"Thing.{name}" for name in ("from", "from_", "_id", "id", "model_config", "modelConfig")},
        ),
    ),
    works(
        "fields that are the same for 120 characters",
        _fields(f"{_LONG}x", f"{_LONG}y"),
        f"query {{ thing {{ a: {_LONG}x b: {_LONG}y }} }}",
        ("client.odd()", {"a": f"Thing.{_LONG}x", "b": f"Thing.{_LONG}y"}),
    ),
    # Types: builtins, typing's, our runtime's, the module's own.
    *(
        _type(f"a type named {type_}", type_, class_)
        for type_, class_ in {
            "list": "List",
            "str": "Str",
            "Exception": "Exception_",
            "None": "None_",
            "Client": "Client_",
            "Field": "Field_",
            "Page": "Page",
            "Operation": "Operation_",
            "Handle": "Handle_",
            "Resource": "Resource_",
            "Model": "Model_",
            "BaseModel": "BaseModel",
            "NotFound": "NotFound_",
            "Self": "Self_",
            "Any": "Any_",
            "UUID": "UUID_",
            "T1": "T1_",
            "_Private": "Private",
            "_2": "N2",
            "class": "Class",
            "thing_Paths": "ThingPaths",
            "Client_": "Client_",
            "Enums": "Enums",
            "Pages": "Pages_",
            "http": "Http",
        }.items()
    ),
    refused(
        "types that are one class",
        "type Query { a(id: ID!): foo_bar b(id: ID!): FooBar }\ntype foo_bar { id: ID! }\ntype FooBar { id: ID! }",
        {
            "foo_bar/fields.graphql": "fragment A on foo_bar { id }",
            "foo_bar/get.graphql": "query ($id: ID!) { a(id: $id) { ...A } }",
            "FooBar/fields.graphql": "fragment B on FooBar { id }",
            "FooBar/get.graphql": "query ($id: ID!) { b(id: $id) { ...B } }",
        },
        ("N001", "queries/foo_bar/get.graphql:1:1", "would both be odd_api.foo_bar"),
    ),
    # Operations.
    *(
        _operation(f"an operation named {file}", file, call)
        for file, call in {
            "client": "client",
            "enums": "enums",
            "fragments": "fragments",
            "execute": "execute_",
            "url": "url_",
            "close": "close_",
            "with_options": "with_options_",
            "None": "none",
            "class": "class_",
            "self": "self_",
            "get_data": "get_data",
            "headers": "headers",
            "__init__": "init__",
            "_send": "send",
            "2fa": "n2fa",
            "a-b c": "a_b_c",
            "été": "t_",
            "list": "list",
            "operations": "operations",
            "annotations": "annotations",
        }.items()
    ),
    _operation("an operation's file of 200 characters", "a" * 200, "a" * 120),
    refused(
        "operations equal in snake_case",
        "type Query { word: String }",
        {"both.graphql": "query fooBar { word }\nquery foo_bar { word }"},
        ("Q004", "queries/both.graphql:2:1", 'are both named "foo_bar"'),
    ),
    works(
        "an operation and a fragment of one name",
        _fields("name"),
        "query Thing { thing { ...Thing } }\nfragment Thing on Thing { name }",
        ("client.thing()", {"name": "Thing.name"}),
    ),
    works(
        "an operation named like an enum, an input and a fragment of the schema",
        "type Query { thing(by: By): Thing! color: Color }\ninput By { a: Int = 1 }\nenum Color { A }\n"
        "type Thing { a: Color by(by: By): String }",
        "query Color { color thing { a } }\nquery By($by: By) { thing(by: $by) { a by(by: $by) } }\nquery Thing { thing { ...Thing } }\n"
        "fragment Thing on Thing { a by }",
        ("client.color()", {"color": "A", "thing": {"a": "A"}}),
        ('client.by(by={"a": 2})', {"a": "A", "by": '{"by": {"a": 2}}'}),
        ("client.thing()", {"a": "A", "by": "Thing.by"}),
    ),
    # Variables.
    _parameters(
        "variables that are keywords",
        {"class": "class_", "from": "from_", "None": "none", "lambda": "lambda_"},
    ),
    _parameters(
        "variables that are builtins",
        {"str": "str", "list": "list", "id": "id", "print": "print", "int": "int"},
    ),
    _parameters(
        "optional variables that are builtins", {"str": "str", "type": "type", "id": "id"}, keyword=True
    ),
    _parameters(
        "variables that are other generators' own",
        {
            "kwargs": "kwargs",
            "gql": "gql",
            "variables": "variables",
            "query": "query",
            "data": "data",
            "response": "response",
        },
    ),
    _parameters(
        "variables that are our own",
        {
            "operations": "operations_",
            "client": "client",
            "UNSET": "unset",
            "headers": "headers",
            "timeout": "timeout",
        },
    ),
    _parameters("variables with underscores and digits", {"_1": "n1", "_x": "x", "__y": "y", "a__b": "a__b"}),
    _parameters("a variable of 300 characters", {_LONG: _LONG[:120]}),
    refused(
        "variables equal in snake_case",
        "type Query { echo(a: Int b: Int): String }",
        "query ($fooBar: Int $foo_bar: Int) { echo(a: $fooBar b: $foo_bar) }",
        ("N001", "queries/odd.graphql:1:21", "$foo_bar and $fooBar would both be odd().foo_bar."),
    ),
    refused(
        "a variable named self",
        "type Query { echo(a: Int): String }",
        "query ($self: Int) { echo(a: $self) }",
        ("R006", "queries/odd.graphql:1:8", "clashes with the method's own parameter"),
    ),
    # Folders.
    works(
        "folders named like modules of the package",
        "type Query { word: String }",
        {
            f"{folder}/say.graphql": "query { word }"
            for folder in ("client", "enums", "inputs", "models", "_runtime", "class", "errors")
        },
        ("client.client.say()", "Query.word"),
        ("client.enums.say()", "Query.word"),
        ("client.inputs.say()", "Query.word"),
        ("client.models.say()", "Query.word"),
        ("client.runtime.say()", "Query.word"),
        ("client.class_.say()", "Query.word"),
        ("client.errors.say()", "Query.word"),
    ),
    works(
        "modules named like what a package's own module uses",
        "type Query { word: String a: Str b: Globals c: Getattr d: Importlib e: Sorted }\nenum Str { A }\nenum Globals { A }\n"
        "enum Getattr { A }\nenum Importlib { A }\nenum Sorted { A }",
        {
            "data.graphql": "query data { a b c d e ...Getattr }\nfragment Getattr on Query { word }",
            "values.graphql": "query values { ...globals a }\nfragment globals on Query { b }",
            **{
                f"{folder}/say.graphql": "query { word }"
                for folder in ("str", "globals", "getattr", "importlib", "sorted")
            },
        },
        ("client.data()", {"a": "A", "b": "A", "c": "A", "d": "A", "e": "A", "word": "Query.word"}),
        (
            "[getattr(package.enums, name).A.value for name in ('StrEnum', 'GlobalsEnum', 'GetattrEnum', 'ImportlibEnum', 'SortedEnum')]",
            ["A"] * 5,
        ),
        (
            "[client.str.say(), client.globals.say(), client.getattr.say(), client.importlib.say(), client.sorted.say()]",
            ["Query.word"] * 5,
        ),
        (
            "[package.UNSET is not None, dir(package.enums)[0], len(dir(package)) > 5]",
            [True, "GetattrEnum", True],
        ),
    ),
    works(
        "folders within folders",
        "type Query { word: String }",
        {"a/b/c.graphql": "query { word }", "a-b.c/d.graphql": "query { word }"},
        ("client.a_b.c()", "Query.word"),
        ("client.a_b_c.d()", "Query.word"),
    ),
]
