"""A mail server that refuses, and says whom."""

from __future__ import annotations

import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any


class Refusing(socketserver.StreamRequestHandler):
    """Speaks as much SMTP as it takes to refuse at the command that the server was made for."""

    def handle(self) -> None:
        """Answer one command after the other."""
        recipient, refused = "", self.server.refused  # type: ignore[attr-defined]  # set by `mail_server`
        self.say("220 mail.example.com")
        while line := self.rfile.readline():
            command, _, argument = line.decode().strip().partition(" ")
            command = command.upper()
            if command == "RCPT":
                recipient = argument.partition(":")[2]
            if command == refused:
                self.say(f"550 5.1.1 {recipient or argument}: no such person here")
            elif command == "QUIT":
                self.say("221 Bye")
                return
            else:
                self.say("250 OK")

    def say(self, text: str) -> None:
        """Answer."""
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server(refused: str) -> Iterator[dict[str, Any]]:
    """Run a server that refuses a command, and yield the settings by which Django sends through it."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        server.daemon_threads = True
        server.refused = refused  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            host, port = server.server_address[:2]
            yield {
                "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "EMAIL_HOST": host,
                "EMAIL_PORT": port,
                "EMAIL_TIMEOUT": 10,
            }
        finally:
            server.shutdown()
