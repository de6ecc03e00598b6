"""The way to a server: it takes turns, passes over who refuses, and can be made slow and cut."""

import socket
import socketserver
import threading
import time
from contextlib import contextmanager

import pytest

from outrigger_loadtests.faults.nemesis import slows
from outrigger_loadtests.faults.network import network_to
from outrigger_loadtests.faults.programs import free_port


class Echo(socketserver.BaseRequestHandler):
    """Says its port, then whatever it hears."""

    def handle(self):
        self.request.sendall(b"%d\n" % self.server.server_address[1])
        while heard := self.request.recv(1000):
            self.request.sendall(heard)


class Echoes(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def echo():
    with Echoes(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def caller(network):
    port = int(network.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        yield connection, connection.makefile("rb")


def test_connections_take_turns_and_pass_over_a_port_that_refuses():
    with echo() as one, echo() as other, network_to([one, free_port(), other]) as network:
        reached = []
        for _ in range(6):
            with caller(network) as (_, said):
                reached.append(int(said.readline()))
    assert {one, other} == set(reached)


def test_nobody_to_lead_to_ends_the_connection():
    with network_to([free_port()]) as network, caller(network) as (_, said):
        assert said.readline() == b""


def test_what_is_said_arrives_late_while_it_is_slow():
    with echo() as port, network_to([port]) as network, caller(network) as (connection, said):
        said.readline()
        network.delay = 0.2
        began = time.monotonic()
        connection.sendall(b"hello\n")
        assert said.readline() == b"hello\n"
        assert time.monotonic() - began >= 2 * network.delay  # there and back


def test_a_cut_ends_what_there_is_and_lets_new_ones_in():
    with echo() as port, network_to([port]) as network:
        with caller(network) as (_, said):
            said.readline()
            network.cut()
            assert said.readline() == b""
        with caller(network) as (_, said):
            assert int(said.readline()) == port


def test_a_slow_network_is_quick_again_afterwards_and_was_cut():
    with echo() as port, network_to([port]) as network, caller(network) as (_, said):
        said.readline()
        slows("slow network", network, 0.05, 0.01).inject()
        assert network.delay == 0
        assert said.readline() == b""


@pytest.mark.parametrize("times", [1, 2])
def test_it_can_be_closed_more_than_once(times):
    with network_to([free_port()]) as network:
        for _ in range(times):
            network.close()
