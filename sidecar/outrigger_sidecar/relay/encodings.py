"""Unpacks a body that came compressed, and never makes more of it than is allowed."""

import zlib

from outrigger_sidecar.errors import RefusedTrace

_CHUNK = 256 * 1024
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# What decoders on the web must manage (RFC 9659); senders use a fraction of it.
_ZSTD_WINDOW = 8 * 1024 * 1024
_GZIP_WINDOW = zlib.MAX_WBITS | 16


def decode(body: bytes, encoding: str, *, limit: int) -> bytes:
    """Return the plain body.

    A body that says zstd but is not taken as plain: the SDK's first batch may be.

    Raises:
        RefusedTrace: It would grow beyond `limit` bytes, is damaged, or the encoding is unknown.
    """
    match encoding.strip().lower():
        case "" | "identity":
            plain = body
        case "zstd" if body.startswith(_ZSTD_MAGIC):
            plain = _decode_zstd(body, limit)
        case "zstd" if body.startswith((b"--", b"{")):
            plain = body
        case "gzip":
            plain = _decode_gzip(body, limit)
        case "zstd":
            raise _damaged("zstd")
        case _:
            raise RefusedTrace(
                415, "unknown_encoding", "the relay reads zstd, gzip and uncompressed bodies"
            )
    if len(plain) > limit:
        raise _too_large(limit)
    return plain


def _decode_zstd(body: bytes, limit: int) -> bytes:
    import zstandard  # here, so that a sidecar without traces does not pay for it

    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    pieces: list[bytes] = []
    size = 0
    try:
        with decompressor.stream_reader(body, read_across_frames=True) as reader:
            while piece := reader.read(min(_CHUNK, limit + 1 - size)):
                pieces.append(piece)
                size += len(piece)
                if size > limit:
                    raise _too_large(limit)
    except zstandard.ZstdError as error:
        raise _damaged("zstd") from error
    return b"".join(pieces)


def _decode_gzip(body: bytes, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while body:
        decompressor = zlib.decompressobj(_GZIP_WINDOW)
        try:
            piece = decompressor.decompress(body, limit + 1 - size)
        except zlib.error as error:
            raise _damaged("gzip") from error
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if not decompressor.eof:
            raise _damaged("gzip")
        pieces.append(piece)
        body = decompressor.unused_data
    return b"".join(pieces)


def _too_large(limit: int) -> RefusedTrace:
    return RefusedTrace(
        413, "decompressed_too_large", f"the body is larger than {limit} bytes when unpacked"
    )


def _damaged(encoding: str) -> RefusedTrace:
    return RefusedTrace(400, "malformed", f"the body is not whole {encoding}")
