"""uvicorn's protocol with one thing more: a request can have its own TCP connection reset."""

import socket
import struct

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ABORT = "abort_connection"
"""Key in the scope's `state` under which the request finds `abort`."""
_LINGER_NOT = struct.pack("ii", 1, 0)


class ResettableProtocol(HttpToolsProtocol):
    """Puts `abort` into every request's scope."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][ABORT] = self.abort

    def abort(self) -> None:
        """Close the connection with a reset (RST); no effect on one that is closed already."""
        if self.transport.is_closing():
            return
        # With a linger time of zero closing sends RST instead of FIN.
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.transport.abort()
