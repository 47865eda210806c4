"""Requests are read as HTTP/1.1 whatever else their client wishes for: `Upgrade` is a wish that a server need
not hear (RFC 9110, 7.8), and `curl --http2` and Java's client wish for HTTP/2 with every request.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

FRAMING = (b"content-length", b"transfer-encoding")


class HttpParser(httptools.HttpRequestParser):
    """llhttp takes what stands behind the head of such a request for the other protocol, and stops there. A
    body is read by the next parser, behind a second head, which says only how the body ends; `reader` is not
    told of that one. This parser takes nothing more where its head said that the connection will be closed.
    """

    def __init__(self, reader: HttpToolsProtocol, second: bytes = b"") -> None:
        self._reader = reader
        self._told = _Told(reader, second)
        super().__init__(self._told)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        while data:
            try:
                super().feed_data(data)
            except httptools.HttpParserUpgrade as wish:
                data = data[wish.args[0] :]
            else:
                return
            if second := self._told.second:
                self._reader.parser = HttpParser(self._reader, second)
                self._reader.parser.feed_data(second + data)
                return


class _Told:
    """What the reader is told. The parser is known by way of the reader, which lets go of it at its end: a
    connection that is over is not kept until somebody looks for cycles.
    """

    def __init__(self, reader: HttpToolsProtocol, second: bytes) -> None:
        self.second = second
        self._reader = reader
        self.on_body = reader.on_body

    def on_message_begin(self) -> None:
        if not self.second:
            self._reader.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self.second:
            self._reader.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.second:
            self._reader.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.second:
            self.second = b""
            return
        self._reader.on_headers_complete()
        framing = [field for field in self._reader.headers if field[0] in FRAMING]
        if framing and self._reader.parser.should_upgrade():
            lines = [b"POST / HTTP/1.1", *(name + b": " + value for name, value in framing)]
            self.second = b"\r\n".join(lines) + b"\r\n\r\n"

    def on_message_complete(self) -> None:
        if not self.second:
            self._reader.on_message_complete()
