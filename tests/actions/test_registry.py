"""Registry keys and values: what their types hold, and how the endpoint is told it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions import registry
from actions.kinds import RegistryValueType

DWORD, QWORD, BINARY, MULTI = (
    RegistryValueType.DWORD,
    RegistryValueType.QWORD,
    RegistryValueType.BINARY,
    RegistryValueType.MULTI_SZ,
)


@given(st.integers(min_value=0, max_value=2**64 - 1), st.sampled_from(["{}", " {} ", "{:#x}", "0X{:X}", "{:020d}"]))
def test_value__whole_number__is_told_as_decimal_where_it_fits(number: int, spelling: str) -> None:
    text = spelling.format(number)

    assert registry.value(text, QWORD) == str(number)
    if number < 2**32:
        assert registry.value(text, DWORD) == str(number)
    else:
        with pytest.raises(ValueError, match="0 to 4294967295"):
            registry.value(text, DWORD)


@given(st.integers().filter(lambda number: not 0 <= number < 2**64), st.sampled_from([DWORD, QWORD]))
def test_value__number_out_of_range__is_refused(number: int, kind: RegistryValueType) -> None:
    with pytest.raises(ValueError, match="must be a number from 0 to"):
        registry.value(str(number), kind)


@pytest.mark.parametrize("text", ["", " ", "one", "1.5", "1e3", "0x", "0xg", "1_000", "٣", "-1", "+1", "1 2"])
def test_value__no_number__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        registry.value(text, DWORD)


@given(st.binary(max_size=64), st.sampled_from(["", " ", ",", "\r\n"]))
def test_value__bytes_in_hex__are_told_as_plain_hex(data: bytes, between: str) -> None:
    text = between.join(f"{byte:02X}" for byte in data)

    assert registry.value(text, BINARY) == data.hex()


@pytest.mark.parametrize("text", ["0", "abc", "0x00", "zz", "00-ff"])
def test_value__no_hex__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be hex digits"):
        registry.value(text, BINARY)


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0"), min_size=1)), st.sampled_from(["\n", "\r\n"]))
def test_value__lines__are_told_as_a_list(lines: list[str], end: str) -> None:
    text = "".join(line + end for line in lines)

    assert registry.value(text, MULTI) == lines
    assert registry.value(text.removesuffix(end), MULTI) == lines


@pytest.mark.parametrize("text", ["\n", "a\n\nb", "\na"])
def test_value__empty_line__is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="none of them empty"):
        registry.value(text, MULTI)


@given(st.text(), st.sampled_from([RegistryValueType.SZ, RegistryValueType.EXPAND_SZ]))
def test_value__text__stays_as_it_is(text: str, kind: RegistryValueType) -> None:
    assert registry.value(text, kind) == text


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (r"HKLM\SOFTWARE\Example", r"HKEY_LOCAL_MACHINE\SOFTWARE\Example"),
        (r"hklm:\Software", r"HKEY_LOCAL_MACHINE\Software"),
        (r"HKEY_LOCAL_MACHINE\SOFTWARE", r"HKEY_LOCAL_MACHINE\SOFTWARE"),
        (r"  \HKCU\Control Panel\  ", r"HKEY_CURRENT_USER\Control Panel"),
        (r"HKU\.DEFAULT\Environment", r"HKEY_USERS\.DEFAULT\Environment"),
        (r"HKCR\.txt", r"HKEY_CLASSES_ROOT\.txt"),
        (r"Hkcc\System", r"HKEY_CURRENT_CONFIG\System"),
    ],
)
def test_key__with_a_hive__is_told_in_full(written: str, key: str) -> None:
    assert registry.key(written) == key
    assert registry.key_or_below_machine(written) == key


def test_key__without_a_hive__lies_below_the_machine_where_that_is_meant() -> None:
    assert registry.key_or_below_machine(r"\SOFTWARE\Viewer") == r"HKEY_LOCAL_MACHINE\SOFTWARE\Viewer"
    with pytest.raises(ValueError, match="below a hive"):
        registry.key(r"SOFTWARE\Viewer")


@pytest.mark.parametrize("written", ["", "\\", "HKLM", "HKLM\\", "HKLX\\a", "HKLM/SOFTWARE", "HKLM\\a\\\\b"])
def test_key__that_is_none__is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="must "):
        registry.key(written)


def test_key__part_that_is_too_long__is_refused() -> None:
    assert registry.key("HKLM\\" + "a" * 255).endswith("a" * 255)
    with pytest.raises(ValueError, match="1 to 255 characters"):
        registry.key("HKLM\\" + "a" * 256)
