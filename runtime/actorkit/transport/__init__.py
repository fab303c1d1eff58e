"""ZeroMQ under gevent, without any protocol of ours: endpoints, names, sockets, keys."""
