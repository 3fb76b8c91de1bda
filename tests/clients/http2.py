"""A client of HTTP/2 that says what it likes: frames by hand, headers that are sent without compression (RFC 9113, RFC 7541)."""
import socket
import struct

from hpack import Decoder

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, body=b""):
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


def text(value):
    """A string of HPACK, not Huffman-coded."""
    value = value if isinstance(value, bytes) else value.encode()
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, more = len(value) - 127, b""
    while rest >= 128:
        more, rest = more + bytes([rest % 128 | 128]), rest // 128
    return b"\x7f" + more + bytes([rest]) + value


def fields(*pairs):
    return b"".join(b"\x00" + text(name) + text(value) for name, value in pairs)


def head(method, stream=1, flags=END_HEADERS, verb="POST", content_type="application/grpc", more=()):
    return frame(HEADERS, flags, stream, fields((":method", verb), (":scheme", "http"), (":path", f"/inference.GRPCInferenceService/{method}"),
                                                (":authority", "a"), ("content-type", content_type), ("te", "trailers"), *more))


def message(body, packed=0):
    return bytes([packed]) + struct.pack(">I", len(body)) + body


class Rude:
    def __init__(self, address, settings=b"", timeout=60):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self._decoder = Decoder()
        self.send(PREFACE + frame(SETTINGS, body=settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def _exactly(self, size):
        out = b""
        while len(out) < size:
            piece = self.socket.recv(size - len(out))
            if not piece:
                return None
            out += piece
        return out

    def read(self):
        """kind, flags, stream, body (of HEADERS: a dict); None at the end."""
        start = self._exactly(9)
        if start is None:
            return None
        body = self._exactly(int.from_bytes(start[:3], "big"))
        if body is None:
            return None
        if start[3] == SETTINGS and not start[4] & ACK:
            self.send(frame(SETTINGS, ACK))  # they hold from here on
        if start[3] == HEADERS:
            body = dict(self._decoder.decode(body))
        return start[3], start[4], int.from_bytes(start[5:], "big"), body

    def greeted(self):
        """The window of its streams, once both sides have agreed on it."""
        said = self.until(SETTINGS)[3]
        pairs = dict(struct.unpack(">HI", said[at:at + 6]) for at in range(0, len(said), 6))
        self.send(frame(PING, 0, 0, b"greeting"))  # answered after our settings are taken
        self.until(PING)
        return pairs[4]

    def until(self, kind, stream=None):
        """The next frame of this kind; what comes before it is passed over. None at the end."""
        while (got := self.read()) is not None:
            if got[0] == kind and stream in (None, got[2]):
                return got
        return None

    def to_the_end(self):
        frames = []
        try:
            while (got := self.read()) is not None:
                frames.append(got)
        except ConnectionError:
            pass
        return frames
