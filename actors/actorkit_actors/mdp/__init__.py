"""Actors that ask and answer through MajorDomo brokers."""
