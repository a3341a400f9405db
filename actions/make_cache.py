"""The script that the server brings for MakeCache: fetch anew what the machine's sources offer."""

from actions.kinds import ScriptType

SCRIPT_TYPE = ScriptType.SH
# The package manager's exit code is the script's: what cannot be fetched must not pass for fetched.
SCRIPT = b"""\
if command -v apt-get >/dev/null 2>&1; then
  # apt-get itself exits with 0 when a source could not be reached, and goes on with what it had.
  exec apt-get -q -o APT::Update::Error-Mode=any update
elif command -v dnf >/dev/null 2>&1; then
  exec dnf -q -y --refresh makecache
elif command -v zypper >/dev/null 2>&1; then
  exec zypper --non-interactive refresh --force
elif command -v yum >/dev/null 2>&1; then
  yum -q -y clean expire-cache && exec yum -q -y makecache
  exit $?
fi
echo 'this machine has none of apt-get, dnf, zypper and yum' >&2
exit 127
"""
