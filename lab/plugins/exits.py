"""How a remote command failed, in the words of the official plugin, which are Go's."""

import signal

import asyncssh


def exit_failure(channel: asyncssh.SSHClientChannel[bytes]) -> str:
    """Return how the command failed, as Go's x/crypto/ssh says it; empty when it succeeded."""
    ended_by = channel.get_exit_signal()
    if ended_by:
        name, _, message, _ = ended_by
        number = 128 + getattr(signal, f"SIG{name}", 0)
        reason = f". Reason was: {message}" if message else ""
        return f"Process exited with status {number} from signal {name}{reason}"
    status = channel.get_exit_status()
    if status is None:
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {status}" if status else ""


_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def go_quote(text: str) -> str:
    """Quote like %q of Go's fmt."""
    return '"' + "".join(_ESCAPES.get(char) or _quote_char(char) for char in text) + '"'


def _quote_char(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
