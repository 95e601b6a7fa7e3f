"""Which address outside this computer an audit event of Python's sockets concerns.

Imports nothing: the wheel's test copies this file into an environment without the tests.
"""


def outside_host(event: str, arguments: tuple[object, ...]) -> str | None:
    """Return the name or address of another computer; None for this one and other events."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return None
    text = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    names = ("localhost", "0.0.0.0", "::", "::1")  # noqa: S104 - nothing is bound
    is_here = text in names or text.startswith("127.")
    return None if is_here else text
