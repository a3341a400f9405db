"""Windows' own updates, by their KB numbers: what the Update Agent is asked, and what it answers.

An update has no versions: it is there, or it is not.
"""

import json
import re
from typing import Any

PRESENT, ABSENT = "1", "0"
_KB = re.compile(r"KB[0-9]{6,8}")
_SEVERITIES = ("Critical", "Important", "Moderate", "Low")
# The architecture of an update is a matter of the Update Agent, which offers only what fits.
_ANY = "any"

SEARCH = """
$found = (New-Object -ComObject Microsoft.Update.Session).CreateUpdateSearcher().Search(
  "IsInstalled=0 and IsHidden=0 and Type='Software'")
$rows = @($found.Updates | ForEach-Object { @{
  title = $_.Title; kbs = @($_.KBArticleIDs); severity = $_.MsrcSeverity; cves = @($_.CveIDs)
  bulletins = @($_.SecurityBulletinIDs); categories = @($_.Categories | ForEach-Object { $_.Name })
  reboot = $_.InstallationBehavior.RebootBehavior } })
ConvertTo-Json -InputObject $rows -Depth 4 -Compress
"""
INSTALLED = "@(Get-CimInstance Win32_QuickFixEngineering | ForEach-Object { $_.HotFixID }) -join ' '"
# Exit codes are Windows Installer's, so that nobody above needs to know who installed it.
INSTALL = """
$ErrorActionPreference = 'Stop'
$session = New-Object -ComObject Microsoft.Update.Session
$found = $session.CreateUpdateSearcher().Search("IsInstalled=0 and Type='Software'")
$chosen = New-Object -ComObject Microsoft.Update.UpdateColl
foreach ($update in $found.Updates) {
  if (@($update.KBArticleIDs) -contains '%(number)s') {
    if (-not $update.EulaAccepted) { $update.AcceptEula() }
    [void]$chosen.Add($update)
  }
}
if ($chosen.Count -eq 0) { Write-Output 'the Update Agent does not offer it'; exit 2 }
$downloader = $session.CreateUpdateDownloader(); $downloader.Updates = $chosen
$fetched = $downloader.Download()
if ($fetched.ResultCode -ne 2) { Write-Output "download: result $($fetched.ResultCode)"; exit 3 }
$installer = $session.CreateUpdateInstaller(); $installer.Updates = $chosen
if ($installer.IsBusy) { exit 1618 }
$done = $installer.Install()
Write-Output ('result {0}, 0x{1:x8}' -f $done.ResultCode, $done.HResult)
if ($done.ResultCode -ne 2) { exit 1 }
if ($done.RebootRequired) { exit 3010 }
exit 0
"""


def is_kb(package: str) -> bool:
    """Whether this is an update of Windows' own, and not a product."""
    return _KB.fullmatch(package) is not None


def number_of(kb: str) -> str:
    """The figures of a KB. ValueError for anything else: they become part of a script."""
    if not is_kb(kb):
        raise ValueError(f"{kb!r} is no KB number")
    return kb.removeprefix("KB")


def package(kb: str) -> dict[str, str]:
    """An installed update, as a SCAN lists it."""
    return {"name": kb, "version": PRESENT, "architecture": _ANY, "state": "installed"}


def installed(said: str) -> set[str]:
    """The KBs in what INSTALLED printed."""
    return {word for word in said.split() if is_kb(word)}


def missing(said: str) -> list[dict[str, Any]]:
    """The updates in what SEARCH printed, as a SCAN lists them; one without a KB cannot be named. ValueError."""
    rows = json.loads(said or "[]")
    if not isinstance(rows, list):
        raise ValueError("the Update Agent's answer is no list")
    return [update for row in rows if (update := _update(row))]


def _update(row: dict[str, Any]) -> dict[str, Any] | None:
    kb = next((f"KB{number}" for number in row.get("kbs") or [] if is_kb(f"KB{number}")), None)
    if kb is None:
        return None
    severity = row.get("severity")
    return {
        "package": kb,
        "architecture": _ANY,
        "fromVersion": ABSENT,
        "toVersion": PRESENT,
        "source": "Windows Update",
        "severity": severity if severity in _SEVERITIES else None,
        "advisory": next(iter(row.get("bulletins") or []), None),
        "cves": [str(cve) for cve in row.get("cves") or []],
        "title": str(row.get("title") or kb)[:600],
        "kb": kb,
        "category": next(iter(row.get("categories") or []), None),
        # 0: never; 1: always; 2: it may.
        "rebootRequired": row.get("reboot") == 1,
    }
