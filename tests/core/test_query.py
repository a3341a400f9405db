"""The query language: what parses into what, what is refused and where, and what dates mean."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.query import (
    DateToken,
    ListToken,
    NumberToken,
    TextToken,
    Token,
    UuidToken,
    choice_of,
    compile_query,
    flag,
    parse_query,
)
from core.query.moments import period
from core.query.problems import QueryError
from core.query.tree import And, AnyOf, Anything, Compared, Has, Literal, Node, Not, Nothing, Or, Quote, Range

NOW = datetime(2026, 11, 10, 9, 0, tzinfo=UTC)
BARE, PHRASE, EXACT = Quote.BARE, Quote.PHRASE, Quote.EXACT

TOKENS: dict[str, Token] = {
    "title": TextToken(column="title"),
    "tags.name": TextToken(column="name"),
    "missingCount": NumberToken(column="count"),
    "isSecurity": flag("security"),
    "vendorSeverity": choice_of("severity", ["Critical", "Important", "Low"]),
    "modifiedDate": DateToken(column="modified_at"),
    "id": UuidToken(column="public_id"),
    "cve": ListToken(column="cves"),
}


def has(token: str, text: str, quote: Quote = BARE) -> Has:
    """`token:text`."""
    return Has(token, Literal(text, quote))


STAR = "; '*' stands alone, and is an ordinary character in quotes"
A, B, C = has("a", "1"), has("b", "2"), has("c", "3")


def _problems(text: str, **options: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidInput) as refused:
        compile_query(text, TOKENS, now=NOW, **options)
    return [(one.field, one.code, one.message) for one in refused.value.problems]


# --- what parses into what --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a:1", A),
        ("  a : 1 ", A),
        ("a:\t\n1", A),
        ("(((a:1)))", A),
        ("tags.name:x", has("tags.name", "x")),
        ("a:web-01.example.com", has("a", "web-01.example.com")),
        ("a:aa:bb:cc:dd:ee:ff", has("a", "aa:bb:cc:dd:ee:ff")),
        ("a:1.0..2.0", has("a", "1.0..2.0")),
        ("a:100%_x\\y", has("a", "100%_x\\y")),
        ("a:x=y", has("a", "x=y")),
        ("a:öl-日本", has("a", "öl-日本")),
        ("a:-5", has("a", "-5")),
        ("a:nullable", has("a", "nullable")),
        ("a:android", has("a", "android")),
        ('a:"two words"', has("a", "two words", PHRASE)),
        ('a:"say ""hi"""', has("a", 'say "hi"', PHRASE)),
        ('a:"and or not (x)"', has("a", "and or not (x)", PHRASE)),
        (r'a:"C:\dir\"', has("a", "C:\\dir\\", PHRASE)),
        ("a:'it''s'", has("a", "it's", EXACT)),
        ("a:`x 'y' \"z\"`", has("a", "x 'y' \"z\"", EXACT)),
        ("a:''", has("a", "", EXACT)),
        ("a:'null'", has("a", "null", EXACT)),
        ("a:*", Has("a", Anything())),
        ("a:null", Has("a", Nothing())),
        ("a: NULL", Has("a", Nothing())),
        ("a:[x]", Has("a", AnyOf((Literal("x"),)))),
        ("a:[x,\"y z\" ,`r`]", Has("a", AnyOf((Literal("x"), Literal("y z", PHRASE), Literal("r", EXACT))))),
        ("a:[1 .. 5]", Has("a", Range(Literal("1"), Literal("5")))),
        ("a:[1..5]", Has("a", Range(Literal("1"), Literal("5")))),
        ("a:[1.5..2.5]", Has("a", Range(Literal("1.5"), Literal("2.5")))),
        ("a:(1 .. 5)", Has("a", Range(Literal("1"), Literal("5"), inclusive=False))),
        ("a: (now-7d..now)", Has("a", Range(Literal("now-7d"), Literal("now"), inclusive=False))),
        ("a:[2025-04-14T10:00:00Z .. now]", Has("a", Range(Literal("2025-04-14T10:00:00Z"), Literal("now")))),
        ("a>1", Compared("a", ">", Literal("1"))),
        ("a >= 1", Compared("a", ">=", Literal("1"))),
        ("a<'x'", Compared("a", "<", Literal("x", EXACT))),
        ("a <=-1", Compared("a", "<=", Literal("-1"))),
        ('a="x y"', Compared("a", "=", Literal("x y", PHRASE))),
        ("a:1 and b:2", And((A, B))),
        ("a:1 AND b:2 And c:3", And((A, B, C))),
        ("a:1 or b:2 and c:3", Or((A, And((B, C))))),
        ("a:1 and b:2 or c:3", Or((And((A, B)), C))),
        ("(a:1 or b:2) and c:3", And((Or((A, B)), C))),
        ("not a:1 and b:2", And((Not(A), B))),
        ("not (a:1 and b:2)", Not(And((A, B)))),
        ("NOT not a:1", Not(Not(A))),
        ("not(a:1)and(b:2)OR(c:3)", Or((And((Not(A), B)), C))),
        ('a:"x"and b:2', And((has("a", "x", PHRASE), B))),
        ("a:1 or not b:2", Or((A, Not(B)))),
        ("a:1 and (b:2 and c:3)", And((A, B, C))),
        ("nota:1", has("nota", "1")),
        ("order:1 or android:2", Or((has("order", "1"), has("android", "2")))),
    ],
)  # fmt: skip
def test_parse_query__legal__is_this_tree(text: str, tree: Node) -> None:
    assert parse_query(text) == tree


def test_parse_query__tree__knows_columns() -> None:
    tree = parse_query("a:1 and bb >= 22")

    assert isinstance(tree, And)
    first, second = tree.parts
    assert isinstance(first, Has)
    assert isinstance(first.value, Literal)
    assert isinstance(second, Compared)
    assert (first.column, first.value.column) == (1, 3)
    assert (second.column, second.literal.column) == (9, 15)


# --- trees rendered and parsed again ----------------------------------------------------------------------------------


def _written(literal: Literal, mark: str = "'") -> str:
    if literal.quote is BARE:
        return literal.text
    mark = '"' if literal.quote is PHRASE else mark
    return mark + literal.text.replace(mark, mark * 2) + mark


def _value(value: object) -> str:
    match value:
        case Literal():
            return _written(value, "`")
        case Anything():
            return "*"
        case Nothing():
            return "Null"
        case AnyOf(items):
            return f"[{', '.join(_written(item) for item in items)}]"
        case Range(low, high, inclusive):
            inner = f"{_written(low)} .. {_written(high)}"
            return f"[{inner}]" if inclusive else f"({inner})"
    raise AssertionError(value)


def render(node: Node) -> str:
    """A text that says this, with parentheses around everything that has parts."""
    match node:
        case Has(token, value):
            return f"{token}: {_value(value)}"
        case Compared(token, operator, literal):
            return f"{token} {operator} {_written(literal)}"
        case Not(inner):
            return f"not {render(inner)}"
        case And(parts):
            return f"({' and '.join(render(part) for part in parts)})"
        case Or(parts):
            return f"({' or '.join(render(part) for part in parts)})"


_characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
_bare = st.from_regex(r"[a-zA-Z0-9_%\\./äß-][a-zA-Z0-9_%\\/:=<>ä-]{0,8}", fullmatch=True).filter(
    lambda word: word.lower() not in {"and", "or", "not", "null"} and not word.startswith("..")
)
_literals = st.one_of(
    st.builds(Literal, _bare),
    st.builds(Literal, st.text(_characters, max_size=8), st.sampled_from([PHRASE, EXACT])),
)
_names = st.from_regex(r"[a-z_]{1,5}(\.[a-zA-Z]{1,5})?", fullmatch=True).filter(
    lambda name: name.partition(".")[0] not in {"and", "or", "not"}
)
_values = st.one_of(
    _literals,
    st.just(Anything()),
    st.just(Nothing()),
    st.builds(AnyOf, st.lists(_literals, min_size=1, max_size=4).map(tuple)),
    st.builds(Range, _literals, _literals, st.booleans()),
)
_clauses = st.one_of(
    st.builds(Has, _names, _values),
    st.builds(Compared, _names, st.sampled_from([">", ">=", "<", "<=", "="]), _literals),
)


def _several(kind: type[And] | type[Or]) -> Callable[[list[Node]], Node]:
    """Parts of the same kind are parts of this one."""

    def make(parts: list[Node]) -> Node:
        flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
        return kind(tuple(flat))

    return make


trees: st.SearchStrategy[Node] = st.recursive(
    _clauses,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(_several(And)),
        st.lists(inner, min_size=2, max_size=3).map(_several(Or)),
    ),
    max_leaves=12,
)


@given(trees)
def test_parse_query__rendered_tree__is_the_same_tree(tree: Node) -> None:
    assert parse_query(render(tree)) == tree


@given(st.one_of(st.text(max_size=40), st.text("ab:1()[].,*'\"` <>=not", max_size=40)))
def test_parse_query__any_text__is_a_tree_or_a_query_error_within_it(text: str) -> None:
    try:
        parse_query(text)
    except QueryError as wrong:
        assert wrong.code == "syntax"
        assert 1 <= wrong.column <= len(text) + 1


# --- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: expected 'not', a token or '(', found the end"),
        ("   ", "column 4: expected 'not', a token or '(', found the end"),
        ("title", "column 6: expected ':' or one of > >= < <= =, found the end"),
        ("title:", "column 7: expected a value, '(', '[', '*' or 'null', found the end"),
        ("title::x", "column 7: expected a value, '(', '[', '*' or 'null', found ':'"),
        ("title:x and", "column 12: expected 'not', a token or '(', found the end"),
        ("title:x y", "column 9: expected 'and', 'or' or the end, found 'y'; put several words in quotes"),
        ("title:x,y", "column 8: expected 'and', 'or' or the end, found ','"),
        ("title:x*", "column 8: expected 'and', 'or' or the end, found '*'" + STAR),
        ("(title:x", "column 9: expected 'and', 'or' or ')', found the end"),
        ("title:x)", "column 8: expected 'and', 'or' or the end, found ')'"),
        ("title:[", "column 8: expected a value, found the end"),
        ("title:[]", "column 8: expected a value, found ']'"),
        ("title:[a", "column 9: expected ']', ',' or '..', found the end"),
        ("title:[a,*]", "column 10: expected a value, found '*'" + STAR),
        ("missingCount:[1 .. 2)", "column 21: expected ']', found ')'"),
        ("missingCount:(1)", "column 16: expected '..', found ')'"),
        ("title:and", "column 7: expected a value, found 'and'; put a word of the language in quotes"),
        ("title:[a, NULL]", "column 11: expected a value, found 'NULL'; put a word of the language in quotes"),
        ("title = *", "column 9: expected a value, found '*'" + STAR),
        ("not", "column 4: expected 'not', a token or '(', found the end"),
        ("title:x\0", "column 8: the character U+0000 cannot stand in a query"),
        ("title:'\ud800'", "column 8: the character U+D800 cannot stand in a query"),
    ],
)  # fmt: skip
def test_compile_query__syntax__says_where_and_what_was_expected(text: str, message: str) -> None:
    assert _problems(text) == [("query", "syntax", message)]


@pytest.mark.parametrize("mark", ["'", '"', "`"])
def test_compile_query__open_quote__points_at_it(mark: str) -> None:
    [(_, code, message)] = _problems(f"title:{mark}x")

    assert code == "syntax"
    assert message.startswith("column 7: expected a value,")
    assert f"each opening {mark} needs a closing one" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("missingCount:many", "column 14: expected a whole number, found 'many'"),
        ("missingCount > 1.5", "column 16: expected a whole number, found '1.5'"),
        ("missingCount:99999999999999999999", "column 14: expected a whole number, found '99999999999999999999'"),
        ("missingCount:[1, x]", "column 18: expected a whole number, found 'x'"),
        ("missingCount:\u0661", "column 14: expected a whole number, found '\u0661'"),
        ("isSecurity:yes", "column 12: expected true or false, found 'yes'"),
        ("vendorSeverity:Critcal", "column 16: expected one of Critical, Important, Low, found 'Critcal'"),
        ("id:7d8c", "column 4: expected an id such as 7d8c1c5e-2f7b-4e3a-9a53-0c1d2e3f4a5b, found '7d8c'"),
        ("title > a", "column 9: expected ':' or '=' with text; only numbers and dates have ranges and comparisons"),
        ("cve:[a .. b]", "column 6: expected ':' or '=' with text; only numbers and dates have ranges and comparisons"),
        ('title:""', "column 7: expected text, found ''; use null for none, and * for any"),
    ],
)  # fmt: skip
def test_compile_query__wrong_type__says_where_and_what_was_expected(text: str, message: str) -> None:
    assert _problems(text) == [("query", "wrong_type", message)]


@pytest.mark.parametrize(
    "text",
    ["x", "2025", "2025-13-01", "2025-02-30", "2025-04-14T25:00", "0000-01-01", "now-7y", "now7d", "now - 7d",
     "now-999999999w", "now+999999999d", "9999-12-31", "0001-01-01T00:00:00+14:00", "2025-04-14T10:00+99:00",
     "2025-04-14 13:00 PM", "2025-04-14Z"],
)  # fmt: skip
def test_compile_query__no_date__is_refused(text: str) -> None:
    [(_, code, message)] = _problems(f"modifiedDate:'{text}'")

    assert code == "wrong_type"
    assert message.startswith("column 14: expected a date such as 2025-04-14, ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tittle:x", "column 1: unknown token 'tittle'; did you mean 'title'?"),
        ("a.b.c:x", None),
        ("not vendorseverity:Low", "column 5: unknown token 'vendorseverity'; did you mean 'vendorSeverity'?"),
        ("tags:x", "column 1: unknown token 'tags'; did you mean 'tags.name'?"),
        ("customer_id:1", None),
        ("tags__name:x", None),
        ("pk:1", None),
    ],
)  # fmt: skip
def test_compile_query__unknown_token__names_the_nearest(text: str, message: str | None) -> None:
    [(_, code, found)] = _problems(text)

    assert code == "unknown_token"
    assert found.startswith("column ")
    assert message is None or found == message


def test_compile_query__several_mistakes__are_told_at_once_under_the_callers_name() -> None:
    problems = _problems("nope:1 or missingCount:x and not modifiedDate > soon", field="filter")

    assert [(field, code) for field, code, _ in problems] == [
        ("filter", "unknown_token"),
        ("filter", "wrong_type"),
        ("filter", "wrong_type"),
    ]


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("good", "bad", "column"),
    [
        ("title:" + "x" * 4090, "title:" + "x" * 4091, 4097),
        ("(" * 32 + "title:x" + ")" * 32, "(" * 33 + "title:x" + ")" * 33, 33),
        ("not " * 32 + "title:x", "not " * 33 + "title:x", 129),
        ("not (" * 16 + "title:x" + ")" * 16, "not (" * 16 + "not title:x" + ")" * 16, 81),
        (" or ".join(["title:x"] * 200), " or ".join(["title:x"] * 201), 200 * 11 + 1),
        (f"title:[{','.join(['x'] * 500)}]", f"title:[{','.join(['x'] * 501)}]", 7 + 500 * 2),
    ],
)
def test_compile_query__limits__hold_exactly(good: str, bad: str, column: int) -> None:
    compile_query(good, TOKENS, now=NOW)

    [(_, code, message)] = _problems(bad)

    assert code == "too_complex"
    assert message.startswith(f"column {column}: a query has at most ")


def test_compile_query__siblings__do_not_add_up_to_depth() -> None:
    text = " and ".join(["not (title:x or missingCount:(1 .. 2))"] * 50)

    assert compile_query(text, TOKENS, now=NOW)


@pytest.mark.parametrize(
    "text", ["(" * 4096, "not " * 1024, "title:[" * 500, "not(" * 1024, "title:(" * 500, '"' * 4096]
)
def test_compile_query__nothing_but_nesting__needs_no_stack(text: str) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(400)
    try:
        assert len(_problems(text)) == 1
    finally:
        sys.setrecursionlimit(limit)


# --- what values mean -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("title:x", Q(title__icontains="x")),
        ('title:"x y"', Q(title__icontains="x y")),
        ("title:`x`", Q(title__exact="x")),
        ("title = x", Q(title__exact="x")),
        ("isSecurity:TRUE", Q(security=True)),
        ("isSecurity = false", Q(security=False)),
        ("vendorSeverity:critical", Q(severity="Critical")),
        ("missingCount >= 3", Q(count__gte=3)),
        ("missingCount:[1 .. 3]", Q(count__gte=1) & Q(count__lte=3)),
        ("missingCount:(1 .. 3)", Q(count__gt=1) & Q(count__lt=3)),
        ("missingCount:null", ~Q(count__isnull=False)),
    ],
)
def test_compile_query__value__is_this_condition(text: str, condition: Q) -> None:
    assert compile_query(text, TOKENS, now=NOW) == condition


@pytest.mark.parametrize(
    ("text", "start", "length"),
    [
        ("2025-04-14", datetime(2025, 4, 14, tzinfo=UTC), timedelta(days=1)),
        ("2025-4-1", datetime(2025, 4, 1, tzinfo=UTC), timedelta(days=1)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC), timedelta(days=1)),
        ("2025-04-14T13:45", datetime(2025, 4, 14, 13, 45, tzinfo=UTC), timedelta(minutes=1)),
        ("2025-04-14T13:45:48Z", datetime(2025, 4, 14, 13, 45, 48, tzinfo=UTC), timedelta(seconds=1)),
        ("2025-04-14 13:45:48", datetime(2025, 4, 14, 13, 45, 48, tzinfo=UTC), timedelta(seconds=1)),
        ("2025-4-14 01:45:48 PM", datetime(2025, 4, 14, 13, 45, 48, tzinfo=UTC), timedelta(seconds=1)),
        ("2025-04-14T13:45:48+05:30", datetime(2025, 4, 14, 8, 15, 48, tzinfo=UTC), timedelta(seconds=1)),
        ("2025-04-14T00:00:00-0100", datetime(2025, 4, 14, 1, tzinfo=UTC), timedelta(seconds=1)),
        ("2025-04-14T13:45:48.120Z", datetime(2025, 4, 14, 13, 45, 48, 120000, tzinfo=UTC), timedelta(milliseconds=1)),
        ("1744638348120", datetime(2025, 4, 14, 13, 45, 48, 120000, tzinfo=UTC), timedelta(milliseconds=1)),
        ("now", NOW, timedelta(microseconds=1)),
        ("NOW-90M", NOW - timedelta(minutes=90), timedelta(microseconds=1)),
        ("now-12h", NOW - timedelta(hours=12), timedelta(microseconds=1)),
        ("now-7d", NOW - timedelta(days=7), timedelta(microseconds=1)),
        ("now+2w", NOW + timedelta(weeks=2), timedelta(microseconds=1)),
    ],
)
def test_period__date__starts_and_lasts(text: str, start: datetime, length: timedelta) -> None:
    meant = period(text, now=NOW)

    assert meant.start == start
    assert meant.end - meant.start == length
