"""The IR written down: one template per kind of module, which decides nothing, then one pass of the formatter over all of them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from . import ir
from .cache import Cache, digest
from .diagnostics import RenderError
from .models import ModelClass, Models
from .names import ERROR_NAMES, with_article
from .overrides import OURS, Sandbox, loader
from .rendered import Rendered, outline
from .types import UPLOAD, Import, PythonType, import_lines
from .views import (
    SIGNS,
    WORDS,
    MethodView,
    OnView,
    Place,
    Spelling,
    Views,
    Way,
    docstring,
    literal,
    on_view,
    operation_view,
    sign,
    spelling,
)

RUNTIME = Path(__file__).with_name("runtime")
_LOCAL_RUNTIME = "_runtime"
_FAILURES = "_failures"
_ABSTRACT = "_paths"
# What of the runtime only checkers need, so that it is imported for them alone.
_FOR_CHECKERS = ("_runtime.model", "_runtime.subscription", "_runtime.upload")
_PATHS = 8
_LINE_LENGTH = 110
# Linux has it; tempfile makes a folder in it for this user alone.
_IN_MEMORY = Path("/dev/shm")
_ROOM = 32 * 1024 * 1024
_STEPS = ("check --fix-only --select=I,F401,PIE790", "format")


class _Compiled(jinja2.BytecodeCache):
    """Templates compiled before, kept by their source."""

    def __init__(self, kept: Cache, kind: str = "") -> None:
        self._kept = kept
        # What is compiled for a sandbox is another text.
        self._kind = kind

    def _key(self, bucket: Bucket) -> str:
        return digest(sys.version, jinja2.__version__, self._kind, bucket.key, bucket.checksum)

    def load_bytecode(self, bucket: Bucket) -> None:
        data = self._kept.load("template", self._key(bucket))
        if data is not None:
            bucket.bytecode_from_string(data)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept.store("template", self._key(bucket), bucket.bytecode_to_string())


def _environment(kept: Cache | None, own: Path | None = None) -> jinja2.Environment:
    make, kind = (Sandbox, "sandbox") if own else (jinja2.Environment, "")
    environment = make(
        loader=loader(own) if own else jinja2.FileSystemLoader(OURS),
        bytecode_cache=_Compiled(kept, kind) if kept else None,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # What is rendered is Python, not markup: every text goes through `docstring` or `literal`, which escape for Python.
        autoescape=False,
    )
    environment.filters["docstring"] = docstring
    environment.filters["literal"] = literal
    environment.filters["with_article"] = with_article
    return environment


def render(
    package: ir.Package,
    models: Models,
    cache: Cache | None = None,
    *,
    templates: Path | None = None,
    rendered: Rendered | None = None,
) -> dict[str, str]:
    """All files of a package by their path in it, formatted; with a cache, only those that are new are formatted.

    `templates` is a folder of templates that replace ours. What was `rendered` before is not rendered again; a project's own templates
    may look at more than a file is known to be made from, so that they do without.
    """
    renderer = _Renderer(package, models, cache, templates, rendered)
    formatted = {**format_new(renderer.files(), cache), **renderer.known}
    for path in sorted(RUNTIME.glob("*.py")):
        formatted[f"{_LOCAL_RUNTIME}/{path.name}"] = path.read_text(encoding="utf-8")
    formatted["py.typed"] = ""
    return formatted


def format_new(files: Mapping[str, str], cache: Cache | None) -> dict[str, str]:
    """The files formatted, those that were formatted before from the cache."""
    if cache is None:
        return format_all(files)
    style = digest(version("ruff"), str(_LINE_LENGTH), *_STEPS)
    # The path is part of the key: sorting imports tells a package's own modules by it.
    keys = {path: digest(style, path, text) for path, text in files.items()}
    known = {
        path: kept.decode() for path, key in keys.items() if (kept := cache.load("format", key)) is not None
    }
    fresh = {path: text for path, text in files.items() if path not in known}
    if fresh:
        for path, text in format_all(fresh).items():
            known[path] = text
            cache.store("format", keys[path], text.encode())
    return {path: known[path] for path in files}


def format_all(files: Mapping[str, str]) -> dict[str, str]:
    """The files formatted, in one run of the formatter."""
    size = sum(len(text) for text in files.values())
    with tempfile.TemporaryDirectory(prefix="penstock-", dir=_memory(size)) as name:
        folder = Path(name)
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        style = [
            "--isolated",
            "--no-cache",
            "--quiet",
            f"--line-length={_LINE_LENGTH}",
            "--target-version=py311",
            name,
        ]
        for step in _STEPS:
            done = subprocess.run(
                [_ruff(), *step.split(), *style], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise RenderError(
                    f"The formatter refused what was generated: {(done.stderr or done.stdout).strip().replace(name, '')}"
                )
        return {path: (folder / path).read_text(encoding="utf-8") for path in files}


def _memory(size: int) -> Path | None:
    """A folder in memory with room for files of so many characters, where the system has one and nobody chose another for what is
    temporary: on a disk, removing the files takes as long as formatting them.
    """
    if any(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP")):
        return None
    try:
        found = os.statvfs(_IN_MEMORY)
    except (OSError, AttributeError):
        return None
    # A character takes up to four bytes, a file a page more; while one is replaced, it is there twice.
    enough = found.f_bavail * found.f_frsize >= _ROOM + 8 * size
    return _IN_MEMORY if enough and os.access(_IN_MEMORY, os.W_OK | os.X_OK) else None


@cache
def _ruff() -> str:
    # Ruff ships its binary in a package that has no types.
    from ruff.__main__ import find_ruff_bin  # type: ignore[import-untyped]

    return str(find_ruff_bin())


@dataclass(frozen=True, slots=True)
class AttributeView:
    name: str
    field: str
    type: str
    path_type: str
    doc: str
    path: bool
    deprecated: str | None
    # What it is when the program runs, as an expression, and the interface or union through which paths go on.
    made: str = ""
    abstract: str = ""


@dataclass(frozen=True, slots=True)
class RelationView:
    name: str
    target: str
    annotation: str
    async_annotation: str
    async_target: str
    path_annotation: str
    field: str
    many: bool
    doc: str


@dataclass(frozen=True, slots=True)
class Overload:
    """Fields of one type that `get` takes by name."""

    names: str
    type: str
    deprecated: str | None


class _Renderer:
    def __init__(
        self,
        package: ir.Package,
        models: Models,
        kept: Cache | None = None,
        templates: Path | None = None,
        rendered: Rendered | None = None,
    ) -> None:
        self._package = package
        self._models = models
        self._views = Views(outline(package))
        self._rendered = rendered if templates is None else None
        # What was rendered before, formatted.
        self.known: dict[str, str] = {}
        if self._rendered is not None:
            self._rendered.begin(package)
        self._environment = _environment(kept, templates)

    @property
    def _streams(self) -> bool:
        return any(method.streams for method in self._every_method())

    @property
    def _uploads(self) -> bool:
        taken = [item.type for method in self._every_method() for item in method.parameters]
        taken += [field.type for item in self._package.inputs for field in item.fields]
        return any(type_.imports >= UPLOAD.imports for type_ in taken)

    def _every_method(self) -> Iterator[ir.Method]:
        yield from self._package.methods
        for resource in self._package.resources:
            yield from resource.methods
            yield from resource.accessor_methods

    def files(self) -> dict[str, str]:
        package = self._package
        files = {
            "__init__.py": self._init(),
            "client.py": self._client(),
            "enums/__init__.py": self._write("enums_init.py.jinja", enums=package.enums),
            "_operations/__init__.py": self._write("operations_init.py.jinja"),
            "_operations/_fragments.py": self._write("fragments.py.jinja", fragments=package.fragments),
            "models/__init__.py": self._write("models_init.py.jinja", modules=self._model_modules()),
        }
        if package.input_rules:
            files["_operations/_inputs.py"] = self._write("input_rules.py.jinja", rules=package.input_rules)
        if package.errors:
            files[f"{_FAILURES}.py"] = self._failures()
        if package.abstract_paths:
            self._add(files, f"{_ABSTRACT}.py", package.abstract_paths, self._abstract)
        self._add(files, "inputs.py", package.inputs, self._inputs)
        self._add(files, "_schema.py", (package.table, package.abstract, package.leaves), self._schema)
        for resource in package.resources:
            self._add(files, f"{resource.module}.py", resource, partial(self._resource, resource))
            operations = partial(self._operations, resource.operations, resource)
            self._add(files, f"_operations/{resource.module}.py", resource, operations)
        files["_operations/client.py"] = self._operations(package.operations, None)
        for enum in package.enums:
            text = partial(self._write, "enum.py.jinja", enum=enum)
            self._add(files, f"enums/{enum.module}.py", enum, text)
        for module, classes in self._models.modules.items():
            text = partial(self._model_module, module, classes)
            bases = {
                base: self._models.module_of(base)
                for item in classes
                for base in item.bases
                if base != "Model"
            }
            self._add(files, f"{module.replace('.', '/')}.py", (classes, bases), text)
        return files

    def _add(self, files: dict[str, str], path: str, given: object, make: Callable[[], str]) -> None:
        """A file that is made from what is given and the package's outline, and nothing else, if it is not known already."""
        known = self._rendered.find(path, given) if self._rendered is not None else None
        if known is None:
            files[path] = make()
        else:
            self.known[path] = known

    def _write(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(package=self._package.name, **values)

    # ---------------------------------------------------------------------------------------------------------- resources

    def _resource(self, resource: ir.Resource) -> str:
        views = self._views
        methods = (*resource.methods, *resource.accessor_methods)
        checked = views.method_imports(methods)
        for attribute in resource.attributes:
            checked |= attribute.type.imports
        for attribute in resource.attributes:
            if attribute.abstract:
                name = views.abstract(attribute.abstract).name
                checked.add(Import(_ABSTRACT, name, local=True))
        for folder in resource.on:
            checked |= self._on_imports(folder)
        for relation in resource.relations:
            target = views.resource(relation.target)
            for name in (target.classes.handle, target.classes.async_handle, target.classes.paths):
                checked.add(Import(target.module, name, local=True))
        for lookup in resource.lookups:
            for identity in lookup.identities:
                checked |= identity.type.imports
        handle_members = [item.name for item in resource.attributes]
        handle_members += [item.name for item in resource.relations] + [
            item.name for item in resource.methods
        ]
        handle = spelling(handle_members, checked)
        accessor = spelling([item.name for item in resource.accessor_methods], checked)
        renamed = {**handle.imports, **accessor.imports}
        checked = {
            item
            for item in checked
            if item.module != _LOCAL_RUNTIME and not (item.local and item.module == resource.module)
        }
        runtime = self._runtime_imports(resource, methods)
        elsewhere = {item for item in checked if not _is_machinery(item) and item.module != "typing"}
        lines = import_lines(elsewhere, resource.module)
        lines = [self._renamed(line, renamed) for line in lines]
        attributes = [self._attribute(resource, item, handle) for item in resource.attributes]
        return self._write(
            "resource.py.jinja",
            resource=resource,
            classes=resource.classes,
            runtime=import_lines(runtime, resource.module),
            checked=lines,
            uses_builtins=handle.uses_builtins or accessor.uses_builtins,
            words=self._words(handle),
            accessor_words=self._words(accessor),
            deprecated_words=sorted(
                {each.write("deprecated") for each in (handle, accessor)} - {"deprecated"}
            ),
            attributes=attributes,
            relations=[self._relation(resource, item, handle) for item in resource.relations],
            overloads=self._overloads(resource, handle),
            counts=range(2, _PATHS + 1),
            lookups=[self._lookup(item, accessor) for item in resource.lookups],
            found=self._found(resource, accessor),
            on=self._on(resource.on),
            methods=self._methods(resource.methods, resource.name, "self._act", handle, is_async=False),
            async_methods=self._methods(resource.methods, resource.name, "self._act", handle, is_async=True),
            accessor_methods=self._methods(
                resource.accessor_methods, resource.name, "self._send", accessor, is_async=False
            ),
            async_accessor_methods=self._methods(
                resource.accessor_methods, resource.name, "self._send", accessor, is_async=True
            ),
        )

    @staticmethod
    def _words(spelled: Spelling) -> dict[str, str]:
        """How a class body writes what it uses besides annotations."""
        return {item.name: spelled.write(item.name) for item in WORDS}

    @staticmethod
    def _renamed(line: str, renamed: Mapping[str, str]) -> str:
        head, _, names = line.partition(" import ")
        return f"{head} import {', '.join(f'{name} as {renamed[name]}' if name in renamed else name for name in names.split(', '))}"

    def _runtime_imports(self, resource: ir.Resource, methods: Iterable[ir.Method]) -> set[Import]:
        def runtime(module: str, *names: str) -> set[Import]:
            return {Import(f"{_LOCAL_RUNTIME}.{module}", name, local=True) for name in names}

        found = runtime("resource", "Accessor", "AsyncAccessor")
        methods = tuple(methods)
        if resource.has_handle:
            found |= runtime("resource", "AsyncResource", "Field", "Resource")
            if resource.relations:
                found |= runtime("resource", "Relation")
            if any(not item.path and not item.abstract for item in resource.attributes):
                found |= runtime("resource", "Nested")
            if any(item.abstract and item.default for item in resource.attributes):
                found |= runtime("resource", "AbstractNested")
            if any(item.abstract and not item.default for item in resource.attributes):
                found |= runtime("resource", "AbstractRelation")
            if any(item.deprecated for item in resource.attributes):
                found |= runtime("resource", "Handle")
        if any(method.optional for method in methods) or len(resource.lookups) > 1:
            found |= runtime("unset", "UNSET", "Unset")
        if any(method.result.pages for method in methods):
            found |= runtime("pages", "DEFAULT_PAGE_SIZE", "AsyncPages", "Pages")
        if any(method.result.pages and not method.result.resource for method in methods):
            found |= runtime("resource", "as_models")
        return found

    def _methods(
        self, methods: Iterable[ir.Method], resource: str, send: str, spelled: Spelling, *, is_async: bool
    ) -> list[MethodView]:
        place = Place(send, "self._client", resource, is_async)
        return [self._views.method(item, place, spelled) for item in methods]

    def _attribute(self, resource: ir.Resource, item: ir.Attribute, spelled: Spelling) -> AttributeView:
        if item.abstract:
            return self._abstract_attribute(resource, item, spelled)
        shown = spelled.write(item.type.text)
        root = resource.classes.handle
        made = f"{'Field' if item.path else 'Nested'}({literal(item.field)})"
        return (
            AttributeView(
                item.name,
                item.field,
                f"Field[{root}, {shown}]" if item.path else f"Nested[{shown}]",
                f"Field[Root, {'Any' if item.type.is_any else shown + ' | Absent'}]",
                item.doc,
                item.path,
                item.deprecated,
                made,
            )
            if item.deprecated is None
            else AttributeView(item.name, item.field, shown, "", item.doc, item.path, item.deprecated)
        )

    def _abstract_attribute(
        self, resource: ir.Resource, item: ir.Attribute, spelled: Spelling
    ) -> AttributeView:
        """An attribute through which paths go on, with the value of a handle where it is loaded by default."""
        paths = self._views.abstract(item.abstract).name
        start = f"{paths}[{resource.classes.handle}, {'None' if item.nullable else 'Never'}]"
        where = literal(f"{_ABSTRACT}:{paths}")
        if item.default:
            shown, made = f"AbstractNested[{start}, {spelled.write(item.type.text)}]", "AbstractNested"
        else:
            shown, made = f"AbstractRelation[{start}]", "AbstractRelation"
        return AttributeView(
            item.name,
            item.field,
            shown,
            f"{paths}[Root, {'None' if item.nullable else 'Absent'}]",
            item.doc,
            False,
            None,
            f"{made}({literal(item.field)}, {where})",
            item.abstract,
        )

    def _on(self, folders: Sequence[str]) -> OnView | None:
        """The method `on`, with an overload for each type where there are several."""
        found = [self._views.resource(folder).classes for folder in folders]
        return on_view(
            [
                Way(f"type[{each.handle}] | type[{each.async_handle}]", f"{each.paths}[Root, None]")
                for each in found
            ]
        )

    def _on_imports(self, folder: str) -> set[Import]:
        target = self._views.resource(folder)
        classes = target.classes
        names = (classes.handle, classes.async_handle, classes.paths)
        return {Import(target.module, name, local=True) for name in names}

    def _abstract(self) -> str:
        """The classes of paths through interfaces and unions."""
        every = self._package.abstract_paths
        checked = {each for item in every for field in item.attributes for each in field.type.imports}
        for item in every:
            for relation in item.relations:
                target = self._views.resource(relation.target)
                checked.add(Import(target.module, target.classes.paths, local=True))
            for folder in item.on:
                checked |= self._on_imports(folder)
        members = [each.name for item in every for each in item.attributes]
        members += [each.name for item in every for each in item.relations]
        spelled = spelling(members, checked)

        def attribute(each: ir.Attribute) -> dict[str, str]:
            if not each.abstract:
                shown = "Any" if each.type.is_any else f"{spelled.write(each.type.text)} | Absent"
                return {"name": each.name, "field": each.field, "type": shown, "doc": each.doc}
            paths = self._views.abstract(each.abstract).name
            return onward(each, paths, f"{_ABSTRACT}:{paths}")

        def related(each: ir.Relation) -> dict[str, str]:
            target = self._views.resource(each.target)
            return onward(each, target.classes.paths, f"{target.module}:{target.classes.handle}")

        def onward(each: ir.Attribute | ir.Relation, paths: str, target: str) -> dict[str, str]:
            shown = f"{paths}[Root, {'None' if each.nullable else 'Absent'}]"
            return {"name": each.name, "field": each.field, "type": shown, "doc": each.doc, "target": target}

        return self._write(
            "paths.py.jinja",
            classes=[
                {
                    "name": item.name,
                    "graphql_type": item.graphql_type,
                    "doc": item.doc or f"Paths on through {with_article(item.graphql_type)}.",
                    "attributes": [attribute(each) for each in item.attributes if not each.abstract],
                    "relations": [
                        *(attribute(each) for each in item.attributes if each.abstract),
                        *(related(each) for each in item.relations),
                    ],
                    "on": self._on(item.on),
                }
                for item in every
            ],
            words=self._words(spelled),
            uses_builtins=spelled.uses_builtins,
            checked=[
                self._renamed(line, spelled.imports)
                for line in import_lines(
                    {each for each in checked if not _is_machinery(each) and each.module != "typing"}
                )
            ],
        )

    def _relation(self, resource: ir.Resource, item: ir.Relation, spelled: Spelling) -> RelationView:
        target = self._views.resource(item.target)
        classes = target.classes
        root = resource.classes.handle
        absent = "None" if item.nullable else "Never"
        start = "Never" if item.many else f"{classes.paths}[{root}, {absent}]"

        def value(name: str) -> str:
            shown = spelled.write(f"list[{name}]") if item.many else name
            return f"{shown} | None" if item.nullable else shown

        return RelationView(
            item.name,
            f"{target.module}:{classes.handle}",
            f"Relation[{start}, {value(classes.handle)}]",
            f"Relation[{start}, {value(classes.async_handle)}]",
            f"{target.module}:{classes.async_handle}",
            f"{classes.paths}[Root, {'None' if item.nullable else 'Absent'}]",
            item.field,
            item.many,
            item.doc,
        )

    def _overloads(self, resource: ir.Resource, spelled: Spelling) -> list[Overload]:
        fields = [item for item in resource.attributes if item.path]

        def key(item: ir.Attribute) -> tuple[str, str]:
            return (item.deprecated or "", item.type.text)

        found = []
        for (deprecated, shown), group in groupby(sorted(fields, key=key), key):
            names = ", ".join(f'"{item.name}"' for item in group)
            found.append(Overload(f"Literal[{names}]", spelled.write(shown), deprecated or None))
        return found

    def _lookup(self, lookup: ir.Lookup, spelled: Spelling) -> dict[str, Any]:
        parameters = ", ".join(
            f"{item.parameter}: {spelled.write(item.type.text)}" for item in lookup.identities
        )
        return {
            "constant": lookup.operation.constant,
            "signature": f"self, *, {parameters}" if parameters else "self",
            "key": ", ".join(f"{item.parameter}={item.parameter}" for item in lookup.identities),
            "doc": "\n".join(
                [
                    lookup.doc,
                    "",
                    "Sends nothing: what is read first, or the first action, does.",
                    *(["", "Args:"] if any(item.doc for item in lookup.identities) else []),
                    *(
                        f"    {item.parameter}: {' '.join(item.doc.split())}"
                        for item in lookup.identities
                        if item.doc
                    ),
                ]
            ),
        }

    def _found(self, resource: ir.Resource, spelled: Spelling) -> dict[str, str]:
        """The implementation of a call that has several overloads."""
        types: dict[str, PythonType] = {}
        for lookup in resource.lookups:
            for item in lookup.identities:
                types[item.parameter] = (
                    types[item.parameter].union(item.type) if item.parameter in types else item.type
                )
        parameters = ", ".join(
            f"{name}: {spelled.write(type_.text)} | Unset = UNSET" for name, type_ in types.items()
        )
        return {"signature": f"self, *, {parameters}", "key": ", ".join(f"{name}={name}" for name in types)}

    # --------------------------------------------------------------------------------------------------------- operations

    def _operations(self, operations: Iterable[ir.Operation], resource: ir.Resource | None) -> str:
        operations = tuple(operations)
        runtime: set[Import] = (
            {Import(f"{_LOCAL_RUNTIME}.operation", "Operation", local=True)} if operations else set()
        )
        leaves: set[Import] = set()
        fragments: set[str] = set()
        rows = []
        checked: set[Import] = set()
        # What several operations of the module tell alike is written once, with the first of them.
        told: dict[tuple[ir.Problem, ...], str] = {}
        for operation in operations:
            result = operation.result
            problems = result.failure.problems if result.failure else ()
            told_by = told.setdefault(problems, operation.constant) if problems else ""
            fragments |= set(operation.fragments)
            checked |= operation.read.imports
            leaf = ""
            if result.kind in ("leaf", "handle") and not operation.read.is_any:
                leaf = operation.read.text
                leaves |= operation.read.imports
            failure = ""
            if result.failure is not None:
                signs = result.failure.signs
                for item in signs:
                    runtime.add(Import(f"{_LOCAL_RUNTIME}.failures", SIGNS[item.kind], local=True))
                failure = f"({', '.join([str(result.failure.depth), *map(sign, signs)])})"
            takes = ""
            if operation.inputs or operation.deprecated:
                runtime.add(Import(f"{_LOCAL_RUNTIME}.inputs", "Takes", local=True))
                given = [f"{literal(operation.inputs)}, INPUTS"] if operation.inputs else []
                given += [f"deprecated={literal(operation.deprecated)}"] if operation.deprecated else []
                takes = f"Takes({', '.join(given)})"
                if operation.inputs:
                    runtime.add(Import("_operations._inputs", "INPUTS", local=True))
            rows.append(operation_view(operation, leaf=leaf, failure=failure, takes=takes, told_by=told_by))
        if resource is not None and resource.has_handle:
            runtime |= {
                Import(f"{_LOCAL_RUNTIME}.resource", name, local=True)
                for name in ("Identity", "Lookup", "ResourceType")
            }
            for lookup in resource.lookups:
                for identity in lookup.identities:
                    leaves |= identity.value.imports
        runtime_lines = import_lines(
            runtime | leaves | {Import("_operations._fragments", name, local=True) for name in fragments},
            "_operations.own",
        )
        return self._write(
            "operations.py.jinja",
            resource=resource,
            rows=rows,
            defaults=resource.defaults if resource else (),
            runtime=runtime_lines,
            checked=import_lines(checked - leaves, "_operations.own"),
        )

    # -------------------------------------------------------------------------------------------------------------- models

    def _model_modules(self) -> list[dict[str, Any]]:
        return [
            {"module": module.removeprefix("models."), "names": sorted(item.name for item in classes)}
            for module, classes in self._models.modules.items()
        ]

    def _model_module(self, module: str, classes: list[ModelClass]) -> str:
        imports: set[Import] = set()
        own = {item.name for item in classes}
        views: list[dict[str, Any]] = []
        for item in classes:
            members = [field.name for field in item.fields]
            field_imports = {each for field in item.fields for each in field.type.imports}
            spelled = spelling(members, field_imports)
            imports |= field_imports
            for base in item.bases:
                if base == "Model":
                    imports.add(Import(f"{_LOCAL_RUNTIME}.model", "Model", local=True))
                elif base not in own:
                    owner = self._models.module_of(base)
                    assert owner is not None
                    imports.add(Import(owner, base, local=True))
            fields = []
            for field in item.fields:
                options = []
                if field.alias:
                    options.append(f"alias={literal(field.alias)}")
                default = ""
                if options:
                    first = [f"default={field.default}"] if field.default else []
                    default = f"Field({', '.join(first + options)})"
                    imports.add(Import("pydantic", "Field"))
                elif field.default:
                    default = field.default
                fields.append(
                    {
                        "name": field.name,
                        "type": spelled.write(field.type.text),
                        "default": default,
                        "doc": field.doc,
                    }
                )
            views.append(
                {
                    "name": item.name,
                    "bases": ", ".join(item.bases),
                    "doc": item.doc,
                    "fields": fields,
                    "spelled": spelled,
                }
            )
        renamed = {name: alias for view in views for name, alias in view["spelled"].imports.items()}
        lines = [self._renamed(line, renamed) for line in import_lines(imports, module)]
        return self._write(
            "models.py.jinja",
            imports=lines,
            classes=views,
            uses_builtins=any(view["spelled"].uses_builtins for view in views),
        )

    # ---------------------------------------------------------------------------------------------------------- the rest

    def _inputs(self) -> str:
        imports: set[Import] = set()
        inputs: list[dict[str, Any]] = []
        for item in self._package.inputs:
            imports |= {each for field in item.fields for each in field.type.imports}
            spelled = (
                Spelling(frozenset(), {})
                if item.functional
                else spelling([field.name for field in item.fields], ())
            )
            inputs.append(
                {
                    "input": item,
                    "types": [spelled.write(field.type.text) for field in item.fields],
                    "doc": "\n\n".join(filter(None, [item.doc, "Exactly one of its keys is given."])),
                    "spelled": spelled,
                }
            )
        return self._write(
            "inputs.py.jinja",
            inputs=inputs,
            imports=import_lines(imports, "inputs"),
            uses_builtins=any(item["spelled"].uses_builtins for item in inputs),
        )

    def _schema(self) -> str:
        leaves = self._package.leaves
        imports = {each for _, type_ in leaves for each in type_.imports}
        return self._write(
            "schema.py.jinja",
            table=self._package.table,
            abstract=self._package.abstract,
            # Enums are made as they are asked for: there may be hundreds.
            enums=sorted({each.name for each in imports if each.local and each.module == "enums"}),
            leaves=[(name, type_.text) for name, type_ in leaves],
            imports=import_lines({each for each in imports if not each.local or each.module != "enums"}),
        )

    def _client(self) -> str:
        package = self._package
        checked = self._views.method_imports(package.methods)
        for parameter in package.context:
            checked |= parameter.type.imports
        for resource in package.resources:
            for name in (resource.classes.accessor, resource.classes.async_accessor):
                checked.add(Import(resource.module, name, local=True))
        if self._streams:
            checked.add(Import("_runtime.subscription", "SubscriptionOptions", local=True))
        members = [*(item.name for item in package.resources), *(item.name for item in package.methods)]
        spelled = spelling(members, checked)

        def methods(*, is_async: bool) -> list[MethodView]:
            place = Place("self._send", "self", "", is_async)
            return [self._views.method(item, place, spelled) for item in package.methods]

        sync_methods = methods(is_async=False)
        return self._write(
            "client.py.jinja",
            resources=package.resources,
            context=[
                {
                    "name": item.name,
                    "variable": item.variable,
                    "type": spelled.write(item.type.text),
                    "doc": item.doc,
                }
                for item in package.context
            ],
            methods=sync_methods,
            async_methods=methods(is_async=True),
            warns=any(view.deprecated or view.discouraged for view in sync_methods),
            streams=self._streams,
            uses_unset=any(item.optional for item in package.methods),
            uses_pages=any(item.result.pages for item in package.methods),
            uses_builtins=spelled.uses_builtins,
            words=self._words(spelled),
            checked=[
                self._renamed(line, spelled.imports)
                for line in import_lines({item for item in checked if not _is_machinery(item)})
            ],
        )

    def _failures(self) -> str:
        imports = {each for item in self._package.errors for each in item.problem.imports}
        return self._write(
            "failures.py.jinja",
            errors=[{"error": item, "problem": item.problem.text} for item in self._package.errors],
            imports=import_lines(imports),
        )

    def _init(self) -> str:
        exports: dict[str, list[str]] = {"client": ["AsyncClient", "Client"]}
        for resource in self._package.resources:
            classes = resource.classes
            exports[resource.module] = sorted(
                [classes.handle, classes.async_handle] if resource.has_handle else []
            )
        exports[_FAILURES] = [item.name for item in self._package.errors]
        exports["_runtime.errors"] = sorted(ERROR_NAMES)
        if self._models.have_unions:
            exports["_runtime.model"] = ["UnknownObject"]
        exports["_runtime.pages"] = ["AsyncPages", "Pages"]
        exports["_runtime.unset"] = ["UNSET", "Unset"]
        if self._streams:
            exports["_runtime.subscription"] = ["AsyncEventStream", "EventStream", "SubscriptionOptions"]
        if self._uploads:
            exports["_runtime.upload"] = ["Upload"]
        return self._write(
            "init.py.jinja",
            exports=[(module, names) for module, names in sorted(exports.items()) if names],
            names=sorted(name for names in exports.values() for name in names),
        )


def _is_machinery(item: Import) -> bool:
    """Whether a module imports it for its own work; the rest stands in annotations only."""
    return item.module.startswith(_LOCAL_RUNTIME) and item.module not in _FOR_CHECKERS
