"""What holds for the whole API, in words: the document shows it before all operations."""

GROUND_RULES = """\
## Requests

Paths have no trailing slash. Bodies are JSON in UTF-8. Sign in with `POST /auth`, and send the token as
`Authorization: Bearer …`. A key or parameter that nobody knows is refused, and the nearest known one is named.

Schemas show the best form of each value; other forms are read as well:

- numbers and booleans also as text (`"6"`, `"true"`), text also as a whole number;
- choices in any case, and without regard to `-`, `_` and blanks;
- `null`, and `""` and `"null"` where the value is no text, as "not set";
- lists of ids or names also as text with commas;
- a message (`userMessage`, `description`) also as one text, which is both;
- the further names of a field (`x-also-named`), and of a choice (`x-also-read`).

Keys that only answers have (`x-ignored`) are accepted where they were answered, and ignored, so that what was read can
be changed and sent back whole.

## Answers

Lists are bare arrays, with `X-Total-Count`, `Link` and `searchAfter` as headers. `pageNumber` counts from 0. Pages by
number end at record 10,000; `searchAfter` goes on without end. Times of audits are milliseconds since 1970; those of a
schedule are local wall-clock text. Every refusal is JSON with an error code, a sentence, and all problems at once.
Every answer carries `X-Request-ID`.

A POST that creates takes an `Idempotency-Key`: sent again with it, the same body gets the first answer, and nothing is
made twice. A job's `ETag`, sent as `If-Match`, makes sure that nobody else changed it in between.
"""
