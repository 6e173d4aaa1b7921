"""The checksum of object storage, by the library and without it."""

import pytest

from aliocr.emulator.storage.crc64 import crc64, slow_crc64


def test_the_checksum_is_the_published_one() -> None:
    """Source: check value of CRC-64/XZ in the catalogue of CRCs."""
    assert crc64(b"123456789") == slow_crc64(b"123456789") == 0x995DC9BBDF1939FA
    assert crc64(b"") == slow_crc64(b"") == 0


@pytest.mark.parametrize("cut", [0, 1, 8, 300])
def test_it_goes_on_where_the_data_before_ended(cut: int) -> None:
    """A body is hashed piece by piece."""
    data = bytes(range(256)) * 2
    assert crc64(data[cut:], crc64(data[:cut])) == crc64(data) == slow_crc64(data)
    assert slow_crc64(data[cut:], slow_crc64(data[:cut])) == crc64(data)
