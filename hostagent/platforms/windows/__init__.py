"""Windows, by its own calls through ctypes and winreg."""
