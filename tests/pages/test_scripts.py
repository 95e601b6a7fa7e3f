"""Scripts of components: modules joined into one script."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pages.widgets.scripts import ScriptError, component_script
from scene_model.config import PROJECT_DIR

WIDGETS = PROJECT_DIR / "pages" / "widgets"
ENTRIES = (
    "chips/chips.js",
    "combobox/combobox.js",
    "focus/focus.js",
    "lightbox/lightbox.js",
    "map/map.js",
    "notice/notice.js",
    "photo_grid/grid.js",
    "prefetch/prefetch.js",
    "trip_cards/trip_cards.js",
    "uploader/view.js",
)

WriteModules = Callable[[dict[str, str]], Path]


@pytest.fixture
def write_modules(tmp_path: Path) -> WriteModules:
    """Write modules by name; returns the path of ``entry.js``."""

    def write(texts: dict[str, str]) -> Path:
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / "entry.js"

    return write


def test_modules_are_joined_once_in_dependency_order(write_modules: WriteModules) -> None:
    entry = write_modules(
        {
            "entry.js": 'import { first } from "./first.js";\n'
            'import {\n  second,\n} from "./folder/second.js";\n'
            "export default function () {\n  return first + second;\n}\n",
            "first.js": 'import { base } from "./base.js";\nexport const first = base;\n',
            "folder/second.js": 'import { base } from "../base.js";\nexport const second = base;\n',
            "base.js": "export const base = 1;\n",
        }
    )
    assert component_script(entry) == (
        "const base = 1;\n\n"
        "const first = base;\n\n"
        "const second = base;\n\n"
        "export default function () {\n  return first + second;\n}\n"
    )


def test_export_keywords_are_removed_from_all_declarations(write_modules: WriteModules) -> None:
    entry = write_modules(
        {
            "entry.js": 'import { A, b, c, d } from "./all.js";\n'
            "export const extra = 1;\nexport default A;\n",
            "all.js": "export class A {}\nexport function b() {}\n"
            "export async function c() {}\nexport let d = 'export const';\n",
        }
    )
    script = component_script(entry)
    assert re.findall("^export.*", script, re.MULTILINE) == ["export default A;"]
    assert "let d = 'export const';" in script


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (
            {
                "entry.js": 'import { b } from "./a.js";\nexport default b;\n',
                "a.js": "const b = 1;\n",
            },
            "entry.js: a.js does not export 'b'",
        ),
        (
            {
                "entry.js": 'import { a } from "./a.js";\nconst size = 1;\nexport default a;\n',
                "a.js": "export const a = 1;\nfunction size() {}\n",
            },
            "entry.js: a.js declares 'size' too",
        ),
        (
            {
                "entry.js": 'import { a } from "./a.js";\nexport default a;\n',
                "a.js": 'import { b } from "./b.js";\nexport const a = 1;\n',
                "b.js": 'import { a } from "./a.js";\nexport const b = 1;\n',
            },
            "a.js: imports itself: entry.js -> a.js -> b.js -> a.js",
        ),
        ({"entry.js": 'import { a } from "./a.js";\nexport default a;\n'}, "a.js: file not found"),
        ({"entry.js": "const a = 1;\n"}, "entry.js: has no default export"),
        (
            {"entry.js": 'import a from "./a.js";\nexport default a;\n'},
            'entry.js: unsupported line: import a from "./a.js";',
        ),
        (
            {
                "entry.js": 'import { a as b } from "./a.js";\nexport default b;\n',
                "a.js": "export const a = 1;\n",
            },
            "entry.js: a.js does not export 'a as b'",
        ),
        (
            {
                "entry.js": 'import { a } from "./a.js";\nexport default a;\n',
                "a.js": "export const a = 1;\nexport default a;\n",
            },
            "a.js: unsupported line: export default a;",
        ),
    ],
)
def test_scripts_that_cannot_be_joined(
    modules: dict[str, str], message: str, write_modules: WriteModules
) -> None:
    with pytest.raises(ScriptError, match=re.escape(message)):
        component_script(write_modules(modules))


@pytest.mark.parametrize("entry", ENTRIES)
def test_scripts_of_the_components(entry: str) -> None:
    script = component_script(WIDGETS / entry)
    assert not re.search(r"^import\b", script, re.MULTILINE)
    assert len(re.findall(r"^export\b", script, re.MULTILINE)) == 1
    assert "export default function" in script


def test_every_script_belongs_to_a_component() -> None:
    joined = "\n".join(component_script(WIDGETS / entry) for entry in ENTRIES)
    for path in WIDGETS.rglob("*.js"):
        lines = path.read_text(encoding="utf-8").splitlines()
        code = [line for line in lines if not line.startswith(("import ", "export "))]
        assert "\n".join(code[-3:]) in joined, path
