"""Products for Windows, made with wixl."""

import subprocess
import uuid
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.hostagent.wine import Wine, windows_path

_UNINSTALL = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"


@dataclass(frozen=True)
class Product:
    """A product of a name that no other test has, in the versions 1.0.0 and 2.0.0; the newer one replaces the other."""

    folder: Path
    name: str = field(default_factory=lambda: f"Example Viewer {uuid.uuid4().hex[:8]}")
    family: uuid.UUID = field(default_factory=uuid.uuid4)

    @classmethod
    def make(cls, folder: Path) -> "Product":
        product = cls(folder)
        for version in ("1.0.0", "2.0.0"):
            product._build(version)
        return product

    @property
    def uninstall_key(self) -> str:
        return _UNINSTALL

    def code(self, version: str) -> str:
        return f"{{{uuid.uuid5(self.family, version)}}}".upper()

    def file(self, version: str) -> Path:
        return self.folder / f"viewer-{version}.msi"

    def download(self, version: str, url: str) -> dict[str, Any]:
        content = self.file(version).read_bytes()
        told = {"version": version, "kind": "msi", "arguments": "", "url": f"{url}/{self.file(version).name}"}
        return told | {"sha256": sha256(content).hexdigest()}

    def install(self, wine: Wine, version: str) -> None:
        """By hand, as it was before there was an agent."""
        code, said = wine.run("msiexec", "/i", windows_path(self.file(version)), "/qn")
        assert code == 0, said

    def versions(self, wine: Wine) -> list[str]:
        """Those that are installed, by Windows' own program."""
        said = wine.run("reg", "query", self.uninstall_key, "/v", "DisplayVersion", "/s")[1]
        keys = [line.strip().rpartition("\\")[2].upper() for line in said.splitlines() if line.startswith("HKEY")]
        return [version for version in ("1.0.0", "2.0.0") if self.code(version) in keys]

    def _build(self, version: str) -> None:
        content = self.folder / f"content-{version}.txt"
        content.write_text(f"{self.name} {version}")
        source = self.folder / f"viewer-{version}.wxs"
        source.write_text(self._source(version, content))
        command = ["wixl", "-a", "x64", "-o", self.file(version).name, source.name]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True)

    def _source(self, version: str, content: Path) -> str:
        family = f"{{{self.family}}}".upper()
        return dedent(f"""\
            <?xml version="1.0" encoding="utf-8"?>
            <Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
              <Product Name="{self.name}" Id="{self.code(version)}" UpgradeCode="{family}" Language="1033"
                  Version="{version}" Manufacturer="Example">
                <Package InstallerVersion="200" Compressed="yes" InstallScope="perMachine"/>
                <MajorUpgrade DowngradeErrorMessage="A newer version is installed."/>
                <Media Id="1" Cabinet="a.cab" EmbedCab="yes"/>
                <Directory Id="TARGETDIR" Name="SourceDir">
                  <Directory Id="ProgramFiles64Folder">
                    <Directory Id="INSTALLDIR" Name="{self.name}">
                      <Component Id="Main" Guid="{uuid.uuid5(self.family, "component")}" Win64="yes">
                        <File Id="content" Name="content.txt" Source="{content.name}" KeyPath="yes"/>
                      </Component>
                    </Directory>
                  </Directory>
                </Directory>
                <Feature Id="All" Level="1"><ComponentRef Id="Main"/></Feature>
              </Product>
            </Wix>
            """)
