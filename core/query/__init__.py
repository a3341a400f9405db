"""The query language of lists, as the wire contract has it.

    compile_query('vendorSeverity:Critical and not title:"preview"', PATCH_TOKENS, now=now)

`grammar.lark` is the language, `tree` what a query says, `tokens` what a token may be asked and which rows that means.
A query becomes one Q with bound parameters. Which tokens there are is for the apps to say: this package knows no table.
"""

from core.query.compiling import compile_query
from core.query.parsing import parse_query
from core.query.tokens import (
    ChoiceToken,
    CountToken,
    DateToken,
    JsonListToken,
    ListToken,
    NumbersToken,
    NumberToken,
    TextToken,
    Token,
    UuidToken,
    WallClockToken,
    Within,
    any_of,
    choice_of,
    flag,
    flag_when,
    never,
)

__all__ = [
    "ChoiceToken",
    "CountToken",
    "DateToken",
    "JsonListToken",
    "ListToken",
    "NumberToken",
    "NumbersToken",
    "TextToken",
    "Token",
    "UuidToken",
    "WallClockToken",
    "Within",
    "any_of",
    "choice_of",
    "compile_query",
    "flag",
    "flag_when",
    "never",
    "parse_query",
]
