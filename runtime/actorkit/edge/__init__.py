"""The edge protocol, as docs/protocol.md specifies it: state machines without sockets, and two shells around them."""
