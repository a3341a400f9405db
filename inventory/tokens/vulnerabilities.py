"""What queries may ask of vulnerabilities: the keys of their rows, by the names they have there."""

from collections.abc import Mapping

from django.db.models import OuterRef

from core.query import DateToken, ListToken, NumberToken, TextToken, Token, UuidToken, any_of, choice_of
from inventory.models import Closing, VulnerabilityType

# Inside, the customer is named again: the index starts with it.
_closing = Closing.objects.filter(customer_id=OuterRef("customer_id"), vulnerability_id=OuterRef("pk"))

VULNERABILITY_TOKENS: Mapping[str, Token] = {
    "id": NumberToken(column="qid"),
    "qid": NumberToken(column="qid"),
    "reference": TextToken(column="reference"),
    "title": TextToken(column="title"),
    "cve": ListToken(column="cves"),
    "cves": ListToken(column="cves"),
    "severity": NumberToken(column="severity"),
    "vulnType": choice_of("vuln_type", VulnerabilityType),
    "detectedDate": DateToken(column="detected_at"),
    "publishedDate": DateToken(column="published_at"),
    "patchId": UuidToken(any_of(_closing), column="patch__public_id"),
    "patchUuid": UuidToken(any_of(_closing), column="patch__public_id"),
}
