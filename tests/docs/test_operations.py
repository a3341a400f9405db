"""docs/operations.md lists every variable that the settings read, and its default."""

import ast
import re
from pathlib import Path

from django.conf import settings

PAGE = Path(settings.BASE_DIR) / "docs" / "operations.md"
SETTINGS = Path(settings.BASE_DIR) / "config" / "settings.py"
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.+?) \| .+ \|$", re.MULTILINE)


def documented() -> dict[str, str]:
    """Variable → default, as the page has it."""
    return dict(ROW.findall(PAGE.read_text()))


def read_by_settings() -> dict[str, object]:
    """Variable → default, from every read of the environment; None where there is no constant default."""
    found: dict[str, object] = {}
    for node in ast.walk(ast.parse(SETTINGS.read_text())):
        name, default = _read(node)
        # The two helpers read what they are given.
        if name and name.isupper():
            found[name] = default if default is not None else found.get(name)
    return found


def _read(node: ast.AST) -> tuple[str, object]:
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
        return _constant(node.slice), None
    if isinstance(node, ast.Call) and ast.unparse(node.func) in {"os.environ.get", "_list", "_flag"}:
        if not _constant(node.args[0]):
            return "", None
        defaults = [*node.args[1:], *(one.value for one in node.keywords)]
        value = _evaluated(defaults[0]) if defaults else None
        return _constant(node.args[0]), value if value is not None or ast.unparse(node.func) != "_list" else ""
    return "", None


def _constant(node: ast.AST) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _evaluated(node: ast.AST) -> object:
    """The default where it is a constant, or `str(…)` of arithmetic on constants."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "str":
        return str(eval(compile(ast.Expression(node.args[0]), "settings", "eval"), {}))
    return None


def test_operations__every_variable_of_the_settings__is_listed() -> None:
    assert set(documented()) == set(read_by_settings())


def test_operations__constant_defaults__are_those_of_the_settings() -> None:
    written = documented()

    for name, default in read_by_settings().items():
        if default is not None:
            shown = written[name].partition(";")[0].strip()
            assert shown == ("empty" if default == "" else f"`{default}`"), name
