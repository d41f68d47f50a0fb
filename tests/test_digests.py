"""Digests of files."""

from __future__ import annotations

import hashlib

import pytest

from leadscout_assets.digests import sha256_of


@pytest.mark.parametrize("content", [b"", b"abc", bytes(3_000_000)])
def test_a_files_digest_is_the_sha_256_of_its_content_in_hex(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_a_file_that_is_not_there_has_no_digest(tmp_path):
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "file")
