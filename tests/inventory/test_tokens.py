"""What queries say of assets and patches, asked of the real database."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model, QuerySet
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.customer_context import acting_for
from core.errors import InvalidInput
from core.query import ChoiceToken, DateToken, NumberToken, TextToken, Token, UuidToken, compile_query
from core.query.tokens import ListToken
from inventory.api.serializers import patch_rows
from inventory.models import Asset, Patch, Platform, Severity, Tag
from inventory.tokens import ASSET_TOKENS, PATCH_TOKENS
from tests import factories
from tests.factories import NOW, Person
from tests.properties import FACTOR

UUID_TEXT = "7d8c1c5e-2f7b-4e3a-9a53-0c1d2e3f4a5b"
INJECTIONS = [
    "' OR 1=1 --",
    "'; DROP TABLE tenants_user; --",
    "%' OR '1'='1",
    "\\' OR 1=1 --",
    "x') OR EXISTS (SELECT 1",
    "%s %(a)s {0} $1",
    "%",
    "_",
    "\\",
]


def questions(token: Token) -> Iterable[str]:
    """Everything that may stand behind a token of this kind."""
    literal = {
        TextToken: "x",
        ListToken: "x",
        NumberToken: "3",
        DateToken: "2026-11-10",
        UuidToken: UUID_TEXT,
    }
    word = next((text for kind, text in literal.items() if isinstance(token, kind)), "")
    words = [name for name, _ in token.cases] if isinstance(token, ChoiceToken) else [word, f"'{word}'", f'"{word}"']
    for one in words:
        yield from (f": {one}", f"= {one}", f":[{one}, {one}]")
    yield from (":*", ":null")
    if token.ordered:
        yield from (f"{operator} {word}" for operator in (">", ">=", "<", "<="))
        yield from (f":[{word} .. {word}]", f":({word} .. {word})")
    if isinstance(token, NumberToken):
        yield from (f"{operator} {number}" for operator in (">", ">=", "<", "<=", "=") for number in (-1, 0, 1, 10**17))


def names(query: str) -> list[str]:
    """The assets that a query finds, by name; one that came twice would be here twice."""
    found = Asset.objects.filter(compile_query(query, ASSET_TOKENS, now=NOW))
    return sorted(asset.name for asset in found)


def titles(query: str) -> list[str]:
    """The patches that a query finds."""
    return sorted(patch.title for patch in Patch.objects.filter(compile_query(query, PATCH_TOKENS, now=NOW)))


def _change(row: Model, **values: Any) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**values)


@pytest.fixture
def fleet(ada: Person) -> None:
    """Three assets and three patches."""
    acme = ada.customer
    production, web = factories.tag(acme, "Production"), factories.tag(acme, "web 100%")
    web1 = factories.asset(acme, "web-01", tags=(production, web))
    web2 = factories.asset(acme, "web-02", tags=(web,), scanned_at=None)
    database = factories.asset(acme, "DB_1", platform=Platform.WINDOWS, scanned_at=NOW - timedelta(days=10))
    _change(
        web1,
        operating_system="Debian GNU/Linux 12",
        hardware={"model": "R640", "manufacturer": "Acme"},
        interfaces=[
            {"interfaceName": "eth0", "address": "10.0.0.1", "macAddress": "aa:bb:cc:dd:ee:ff"},
            {"interfaceName": "eth1", "address": "fe80::1", "macAddress": None},
        ],
        last_logged_on_user="Ada",
        reboot_required=True,
    )
    _change(web2, interfaces=[{"interfaceName": "lo", "address": "127.0.0.1"}, {}], hardware={"model": None})
    app, lib, tool = (factories.patch(acme, package) for package in ("acme-app", "acme-lib", "tool_x"))
    _change(app, severity=Severity.CRITICAL, cves=["CVE-2026-0001", "CVE-2026-0002"], source="Acme", modified_at=NOW)
    _change(lib, cves=["CVE-2025-9"], title='say "hi" 100%', modified_at=NOW - timedelta(days=1))
    _change(tool, modified_at=NOW - timedelta(days=30))
    factories.missing(app, web1, web2)
    factories.missing(lib, web1)
    factories.installed(lib, database)


# --- every token executes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "model", "name"),
    [
        *((ASSET_TOKENS, Asset, name) for name in ASSET_TOKENS),
        *((PATCH_TOKENS, Patch, name) for name in PATCH_TOKENS),
    ],
)
def test_token__every_question__splits_the_rows_in_two(
    fleet: None, tokens: dict[str, Token], model: type[Model], name: str
) -> None:
    rows = model._default_manager.all()
    everybody = sorted(rows.values_list("pk", flat=True))

    for question in questions(tokens[name]):
        found = _keys(rows, tokens, f"{name}{question}")
        others = _keys(rows, tokens, f"not {name}{question}")
        assert sorted(found + others) == everybody, question


@pytest.mark.parametrize(("tokens", "model"), [(ASSET_TOKENS, Asset), (PATCH_TOKENS, Patch)])
def test_tokens__null_and_star__are_opposites(fleet: None, tokens: dict[str, Token], model: type[Model]) -> None:
    rows = model._default_manager.all()

    for name in tokens:
        assert _keys(rows, tokens, f"{name}:null") == _keys(rows, tokens, f"not {name}:*")


def _keys(rows: QuerySet[Any], tokens: dict[str, Token], query: str) -> list[int]:
    return sorted(rows.filter(compile_query(query, tokens, now=NOW)).values_list("pk", flat=True))


# --- what is found ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name:WEB", ["web-01", "web-02"]),
        ("name:'web-01'", ["web-01"]),
        ("name:`WEB-01`", []),
        ("name = web-01", ["web-01"]),
        ("name:_", ["DB_1"]),
        ("name:%", []),
        ("name:[01, DB]", ["DB_1", "web-01"]),
        ("not name:web", ["DB_1"]),
        ("platform:windows", ["DB_1"]),
        ('operatingSystem:"gnu/linux 12"', ["web-01"]),
        ('operatingSystem:"12 gnu/linux"', []),
        ("operatingSystem:null", ["DB_1", "web-02"]),
        ("lastLoggedOnUser:*", ["web-01"]),
        ("rebootRequired:true", ["web-01"]),
        ("scanStatus:pending", ["web-02"]),
        ("scanDateTime:null", ["web-02"]),
        ("scanDateTime > now-7d", ["web-01"]),
        ("not scanDateTime > now-7d", ["DB_1", "web-02"]),
        ("scanDateTime:2026-11-10", ["web-01"]),
        ("scanDateTime > 2026-11-10", []),
        ("scanDateTime >= 2026-11-10", ["web-01"]),
        ("scanDateTime <= 2026-11-10", ["DB_1", "web-01"]),
        ("scanDateTime < 2026-11-10", ["DB_1"]),
        ("scanDateTime:[2026-10-31 .. 2026-11-10]", ["DB_1", "web-01"]),
        ("scanDateTime:(2026-10-31 .. 2026-11-10)", []),
        ("scanDateTime = 2026-11-10T10:00:00+01:00", ["web-01"]),
        ("hardware.model:r6", ["web-01"]),
        ("hardware.model:null", ["DB_1", "web-02"]),
        ("not hardware.manufacturer:acme", ["DB_1", "web-02"]),
        ("interfaces.address:10.0", ["web-01"]),
        ("interfaces.address:'fe80::1'", ["web-01"]),
        ("interfaces.address:null", ["DB_1"]),
        ("interfaces.macAddress:AA:BB", ["web-01"]),
        ("interfaces.macAddress:*", ["web-01"]),
        ("not interfaces.macAddress:aa:bb", ["DB_1", "web-02"]),
        ("tags.name:prod", ["web-01"]),
        ("tags.name:[Production, 'web 100%']", ["web-01", "web-02"]),
        ("tags.name:prod and tags.name:web", ["web-01"]),
        ("tags.name:web and not tags.name:prod", ["web-02"]),
        ("not tags.name:prod", ["DB_1", "web-02"]),
        ("tags.name:null", ["DB_1"]),
        ("not (tags.name:web or platform:Windows)", []),
        ("missingPatchCount:2", ["web-01"]),
        ("missingPatchCount > 0", ["web-01", "web-02"]),
        ("missingPatchCount:0", ["DB_1"]),
        ("missingPatchCount < 2 and installedPatchCount >= 1", ["DB_1"]),
        ("missingPatchCount:[1 .. 2]", ["web-01", "web-02"]),
        ("missingPatchCount:(0 .. 2)", ["web-02"]),
    ],
)
def test_assets__query__finds(fleet: None, query: str, found: list[str]) -> None:
    assert names(query) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('vendorSeverity:Critical and isSuperseded:false and not title:"preview"', ["acme-app 2.0"]),
        ("vendorSeverity:None", ['say "hi" 100%', "tool_x 2.0"]),
        ("isSuperseded:true", []),
        ("isSecurity:true", ["acme-app 2.0", 'say "hi" 100%']),
        ("isSecurity:false", ["tool_x 2.0"]),
        ('title:"say ""HI"" 100%"', ['say "hi" 100%']),
        ("title:100_", []),
        ("product:[app, tool]", ["acme-app 2.0", "tool_x 2.0"]),
        ("packageDetails.packageName:'acme-lib'", ['say "hi" 100%']),
        ("vendor:null", ['say "hi" 100%', "tool_x 2.0"]),
        ("cve:cve-2026", ["acme-app 2.0"]),
        ("cve:'CVE-2026-0002'", ["acme-app 2.0"]),
        ("cve:'CVE-2026'", []),
        ('cve:"0001 CVE"', []),
        ("cve:null", ["tool_x 2.0"]),
        ("not cve:2026", ['say "hi" 100%', "tool_x 2.0"]),
        ("patchStatus:Missing", ["acme-app 2.0", 'say "hi" 100%']),
        ("patchStatus:installed and patchStatus:missing", ['say "hi" 100%']),
        ("patchStatus:null", ["tool_x 2.0"]),
        ("not patchStatus:Installed", ["acme-app 2.0", "tool_x 2.0"]),
        ("missingCount:[1 .. 2]", ["acme-app 2.0", 'say "hi" 100%']),
        ("missingCount >= 2", ["acme-app 2.0"]),
        ("installedCount:1", ['say "hi" 100%']),
        ("modifiedDate:[now-7d .. now]", ["acme-app 2.0", 'say "hi" 100%']),
        ("modifiedDate < now-2w", ["tool_x 2.0"]),
    ],
)
def test_patches__query__finds(fleet: None, query: str, found: list[str]) -> None:
    assert titles(query) == found


@pytest.mark.parametrize("name", ["id", "patchUuid", "patchId"])
def test_patches__id__has_three_names(fleet: None, name: str) -> None:
    patch = Patch.objects.get(package="acme-app")

    assert titles(f"{name}:{patch.public_id}") == ["acme-app 2.0"]
    assert titles(f"{name}:'{str(patch.public_id).upper()}'") == ["acme-app 2.0"]


@pytest.mark.parametrize("query", ["missingCount >= 2 and patchStatus:Missing", "cve:2026 and installedCount < 5"])
def test_patches__rows_with_counts__are_filtered_and_counted_alike(fleet: None, query: str) -> None:
    condition = compile_query(query, PATCH_TOKENS, now=NOW)

    assert [row["missingCount"] for row in patch_rows(list(Patch.objects.filter(condition)))] == [2]


def test_assets__patches_by_id__are_those_of_the_row(fleet: None) -> None:
    patch = Patch.objects.get(package="acme-lib").public_id

    assert names(f"missingPatches:{patch}") == ["web-01"]
    assert names(f"installedPatches:{patch}") == ["DB_1"]
    assert names(f"tags.id:{UUID_TEXT} or missingPatches:{UUID_TEXT}") == []


def test_relations__another_customers_rows__do_not_count(fleet: None, ada: Person) -> None:
    other = factories.stranger().customer
    patch = factories.patch(other, "alien")
    factories.missing(patch, factories.asset(other, "alien", tags=(factories.tag(other, "Production"),)))

    with acting_for(ada.customer.pk):
        assert names("tags.name:Production") == ["web-01"]
        assert titles("missingCount > 0 and product:alien") == []


@pytest.mark.parametrize("text", INJECTIONS)
def test_query__injection__is_text_like_any_other(ada: Person, text: str) -> None:
    factories.asset(ada.customer, "plain")
    asset = factories.asset(ada.customer, f"a{text}b")
    _change(asset, interfaces=[{"address": text}], hardware={"model": text})
    _change(factories.patch(ada.customer), cves=[text], title=text)
    quoted = '"' + text.replace('"', '""') + '"'

    for token in ("name", "hardware.model", "interfaces.address"):
        with CaptureQueriesContext(connection) as queries:
            assert names(f"{token}:{quoted}") == [asset.name]
        assert len(queries) == 1
    assert titles(f"cve:{quoted} and title:{quoted}") == [text]
    assert Asset.objects.count() == 2


def test_query__parameters__are_bound(ada: Person) -> None:
    statement, parameters = Asset.objects.filter(
        compile_query("name:evil1 and interfaces.address:evil2 and tags.name:'evil3'", ASSET_TOKENS, now=NOW)
    ).query.sql_with_params()

    assert "evil" not in statement
    assert {"%evil1%", "%evil2%", "evil3"} <= set(parameters)


def test_query__unknown_columns__are_no_way_in(ada: Person) -> None:
    for name in ("customer_id", "customer__name", "tag_links__tag__name", "created_at", "pk"):
        with pytest.raises(InvalidInput):
            names(f"{name}:x")


# --- the same as plain Python says ------------------------------------------------------------------------------------

WORDS = ["", "a", "B", "ab", "a b", "100%", "a_b", "b\\a"]
Row = dict[str, Any]
# A query, and what it says of a row.
Says = tuple[str, Callable[[Row], bool]]


def _same_text(value: str, word: str) -> bool:
    return word.lower() in value.lower()


_rows = st.fixed_dictionaries(
    {
        "name": st.sampled_from(WORDS[1:]),
        "user": st.sampled_from(WORDS),
        "model": st.sampled_from([None, *WORDS]),
        "addresses": st.lists(st.sampled_from(WORDS), max_size=2),
        "tags": st.sets(st.sampled_from(["a", "b", "ab"])),
        "scanned": st.sampled_from([None, -2, -1, 0, 1]),
        "missing": st.integers(0, 2),
        "reboot": st.booleans(),
    }
)


def _texts(row: Row, token: str) -> list[str]:
    return {
        "name": [row["name"]],
        "lastLoggedOnUser": [row["user"]],
        "hardware.model": [row["model"] or ""],
        "interfaces.address": row["addresses"],
        "tags.name": sorted(row["tags"]),
    }[token]


def _contains(token: str, word: str) -> Says:
    return f'{token}:"{word}"', lambda row: any(_same_text(one, word) for one in _texts(row, token))


def _is(token: str, word: str) -> Says:
    return f"{token}:'{word}'", lambda row: word in _texts(row, token)


def _any_of(token: str, word: str, exact: str) -> Says:
    return f'{token}:["{word}", `{exact}`]', lambda row: any(
        _same_text(one, word) or one == exact for one in _texts(row, token)
    )


_text_tokens = st.sampled_from(["name", "lastLoggedOnUser", "hardware.model", "interfaces.address", "tags.name"])
_word = st.sampled_from(WORDS[1:])
_text_clauses = st.one_of(
    st.builds(_contains, _text_tokens, _word),
    st.builds(_is, _text_tokens, _word),
    st.builds(_any_of, _text_tokens, _word, _word),
    _text_tokens.map(lambda token: (f"{token}:*", lambda row: any(_texts(row, token)))),
    _text_tokens.map(lambda token: (f"{token}:null", lambda row: not any(_texts(row, token)))),
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
}


def _missing(operator: str, number: int) -> Says:
    return f"missingPatchCount {operator} {number}", lambda row: _COMPARE[operator](row["missing"], number)


def _between(low: int, high: int) -> Says:
    return f"missingPatchCount:[{low} .. {high}]", lambda row: low <= row["missing"] <= high


def _inside(low: int, high: int) -> Says:
    return f"missingPatchCount:({low} .. {high})", lambda row: low < row["missing"] < high


def _scanned(operator: str, hours: int) -> Says:
    return (
        f"scanDateTime {operator} now{hours:+}h",
        lambda row: row["scanned"] is not None and _COMPARE[operator](row["scanned"], hours),
    )


_operators = st.sampled_from(sorted(_COMPARE))
_numbers = st.integers(-1, 3)
_other_clauses = st.one_of(
    st.builds(_missing, _operators, _numbers),
    st.builds(_between, _numbers, _numbers),
    st.builds(_inside, _numbers, _numbers),
    st.builds(_scanned, _operators, st.integers(-2, 2)),
    st.just(("scanDateTime:null", lambda row: row["scanned"] is None)),
    st.sampled_from([True, False]).map(
        lambda wanted: (f"rebootRequired:{str(wanted).lower()}", lambda row: row["reboot"] is wanted)
    ),
)


def _combined(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    two = st.tuples(inner, inner)
    return st.one_of(
        inner.map(lambda a: (f"not ({a[0]})", lambda row: not a[1](row))),
        two.map(lambda p: (f"({p[0][0]}) and ({p[1][0]})", lambda row: p[0][1](row) and p[1][1](row))),
        two.map(lambda p: (f"({p[0][0]}) or ({p[1][0]})", lambda row: p[0][1](row) or p[1][1](row))),
    )


_queries = st.recursive(st.one_of(_text_clauses, _other_clauses), _combined, max_leaves=6)


@given(st.lists(_rows, min_size=1, max_size=4), st.lists(_queries, min_size=1, max_size=8))
@settings(
    max_examples=40 * FACTOR,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_query__any__finds_what_plain_python_finds(ada: Person, rows: list[Row], queries: list[Any]) -> None:
    made = _stored(ada, rows)

    for text, says in queries:
        found = Asset.objects.filter(compile_query(text, ASSET_TOKENS, now=NOW), pk__in=made)
        assert sorted(asset.pk for asset in found) == [pk for pk, row in made.items() if says(row)], text


def _stored(ada: Person, rows: list[Row]) -> dict[int, Row]:
    acme = ada.customer
    # Asked in a transaction that is rolled back only after the last example.
    for kind in (Asset, Tag, Patch):
        kind.objects.all().delete()
    tags = {name: factories.tag(acme, name) for name in ("a", "b", "ab")}
    patches = [factories.patch(acme, package) for package in ("one", "two")]
    made = {}
    for row in rows:
        asset = factories.asset(acme, row["name"], tags=tuple(tags[name] for name in sorted(row["tags"])))
        _change(
            asset,
            last_logged_on_user=row["user"],
            hardware={} if row["model"] is None else {"model": row["model"]},
            interfaces=[{"address": one} for one in row["addresses"]],
            scanned_at=None if row["scanned"] is None else NOW + timedelta(hours=row["scanned"]),
            reboot_required=row["reboot"],
        )
        for patch in patches[: row["missing"]]:
            factories.missing(patch, asset)
        made[asset.pk] = row
    return made
