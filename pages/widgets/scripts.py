"""Join the scripts and styles of a component; no build step."""

import re
from dataclasses import dataclass
from pathlib import Path

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
_DECLARATION = re.compile(
    r"^(export )?(?:async )?(?:function\*?|class|const|let|var) ([\w$]+)", re.MULTILINE
)
_OTHER_IMPORT = re.compile(r"^import\b.*", re.MULTILINE)
_OTHER_EXPORT = re.compile(r"^export\b.*", re.MULTILINE)
_DEFAULT_EXPORT = "export default "


class ScriptError(ValueError):
    """Scripts that cannot be joined; the message names the file and the reason."""


@dataclass(frozen=True)
class _Module:
    """One script. imports: imported names by file. code: the script without imports and exports."""

    path: Path
    imports: list[tuple[Path, list[str]]]
    declared: list[str]
    exported: frozenset[str]
    code: str


def join_files(*files: Path) -> str:
    """Return the contents of some files, joined by newlines."""
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def component_script(entry: Path) -> str:
    """Return an ES module and all modules it imports as one script with one default export.

    Streamlit components take one script, which cannot import relative files. Supported are
    ``import { a, b } from "./file.js"`` and ``export`` before a declaration, at the start of a
    line and without renaming. Raises ScriptError for another form, a name that is not exported, a
    top-level name of two modules, a cycle of imports, or an entry without a default export.
    """
    modules: dict[Path, _Module] = {}
    _collect(entry.resolve(), modules, ())
    _check_names(modules)
    if _DEFAULT_EXPORT not in modules[entry.resolve()].code:
        raise ScriptError(f"{entry.name}: has no default export")
    return "\n".join(module.code for module in modules.values())


def _collect(path: Path, modules: dict[Path, _Module], importers: tuple[Path, ...]) -> None:
    """Add a module after the modules it imports. importers: the chain of imports that led to it."""
    if path in importers:
        chain = " -> ".join(file.name for file in (*importers, path))
        raise ScriptError(f"{path.name}: imports itself: {chain}")
    if path in modules:
        return
    module = _read(path, is_entry=not importers)
    for imported, names in module.imports:
        _collect(imported, modules, (*importers, path))
        for name in names:
            if name not in modules[imported].exported:
                raise ScriptError(f"{path.name}: {imported.name} does not export {name!r}")
    modules[path] = module


def _read(path: Path, *, is_entry: bool) -> _Module:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ScriptError(f"{path.name}: file not found at {path}") from error
    imports = [
        (
            (path.parent / file).resolve(),
            [name.strip() for name in names.split(",") if name.strip()],
        )
        for names, file in _IMPORT.findall(text)
    ]
    declarations = _DECLARATION.findall(text)
    code = _EXPORT.sub("", _IMPORT.sub("", text))
    others = [*_OTHER_IMPORT.findall(code), *_OTHER_EXPORT.findall(code)]
    for line in others:
        if not (is_entry and line.startswith(_DEFAULT_EXPORT)):
            raise ScriptError(f"{path.name}: unsupported line: {line}")
    return _Module(
        path=path,
        imports=imports,
        declared=[name for _, name in declarations],
        exported=frozenset(name for export, name in declarations if export),
        code=code.strip() + "\n",
    )


def _check_names(modules: dict[Path, _Module]) -> None:
    """Raise ScriptError if two modules declare the same name: they are joined in one scope."""
    owners: dict[str, Path] = {}
    for module in modules.values():
        for name in module.declared:
            owner = owners.setdefault(name, module.path)
            if owner != module.path:
                raise ScriptError(f"{module.path.name}: {owner.name} declares {name!r} too")
