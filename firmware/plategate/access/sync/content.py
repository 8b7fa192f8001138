# SPDX-License-Identifier: Apache-2.0
"""Decompress a response body in bounded chunks; all gzip members, and no decompression bombs."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from plategate.errors import SyncError

CHUNK_BYTES = 65_536
# A list of distinct plates compresses less than 30 to 1 (scripts/hostile_server prints it).
MOST_EXPANSION = 200
_SMALL_BYTES = 1_000_000  # below this, any expansion is harmless
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def decompressed(
    chunks: Iterable[bytes], encoding: str, cut_short: type[SyncError]
) -> Iterator[bytes]:
    """Yield the body in chunks of at most CHUNK_BYTES; `encoding` is the Content-Encoding header.

    Raises SyncError for an unknown encoding, damaged data, bytes after the last gzip member and
    suspicious expansion, and `cut_short` when the data ends early.
    """
    name = encoding.strip().lower()
    if name in ("identity", ""):
        yield from chunks
    elif name in ("gzip", "x-gzip", "deflate"):
        yield from _inflated(chunks, cut_short)
    else:
        raise SyncError(f"unknown content encoding {encoding[:60]!r}")


def _inflated(chunks: Iterable[bytes], cut_short: type[SyncError]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
    members = 0
    packed = unpacked = 0
    try:
        for chunk in chunks:
            packed += len(chunk)
            rest = chunk
            while rest:
                if inflate.eof:  # the next member of RFC 1952, section 2.2, or padding
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                    inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
                    members += 1
                piece = inflate.decompress(rest, CHUNK_BYTES)
                unpacked += len(piece)
                if unpacked > _SMALL_BYTES and unpacked > MOST_EXPANSION * packed:
                    raise SyncError(f"{packed} compressed bytes expand to over {unpacked}: no list")
                yield piece
                rest = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
        while not inflate.eof and (piece := inflate.decompress(b"", CHUNK_BYTES)):
            yield piece  # what did not fit into the last chunk
    except zlib.error as error:
        where = f" in member {members + 1}" if members else ""
        raise SyncError(f"damaged gzip{where}: {error}") from error
    if not inflate.eof:
        raise cut_short("the compressed answer ended early")
