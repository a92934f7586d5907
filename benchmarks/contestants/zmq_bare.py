"""Bare pyzmq in the bus's topology: DEALER, a ROUTER that only passes frames on, DEALER. Blocking calls,
no checks, no memory, no heartbeats: the least that three processes can do.

    zmq_bare.py broker|agent|caller ADDRESS KEYFILE
"""

import json
import sys
import time
from pathlib import Path

import zmq
from blocks import Asked, serve, text

HELLO = b"agent"


def socket(kind: int, keys: str) -> zmq.Socket[bytes]:
    """One with CURVE where there is a file of keys: the server's pair is everybody's."""
    made = zmq.Context.instance().socket(kind)
    made.linger = 0
    made.sndhwm = made.rcvhwm = 4096
    if keys:
        public, secret = json.loads(Path(keys).read_text())
        made.curve_publickey, made.curve_secretkey = public.encode(), secret.encode()
        if kind == zmq.ROUTER:
            made.curve_server = True
        else:
            made.curve_serverkey = public.encode()
    return made


def broker(address: str, keys: str) -> None:
    """A frame of the agent names the caller that it answers; any other goes to the agent."""
    router, agent = socket(zmq.ROUTER, keys), b""
    router.bind(address)
    print(router.last_endpoint.decode(), flush=True)
    while True:
        sender, *frames = router.recv_multipart()
        if frames[0] == HELLO:
            agent = sender
        elif sender == agent:
            router.send_multipart(frames)
        else:
            router.send_multipart([agent, sender, *frames])


def agent(address: str, keys: str, size: int) -> None:
    dealer, said = socket(zmq.DEALER, keys), text(size).encode()
    dealer.connect(address)
    dealer.send(HELLO)
    while True:
        sender, *_ = dealer.recv_multipart()
        dealer.send_multipart([sender, said])


def caller(address: str, keys: str) -> None:
    def block(asked: Asked) -> Asked:
        body, left = text(asked["bytes"]).encode(), {}
        dealers, poller = [], zmq.Poller()
        for _ in range(asked["missions"]):
            dealers.append(socket(zmq.DEALER, keys))
            dealers[-1].connect(address)
            poller.register(dealers[-1], zmq.POLLIN)
            dealers[-1].send(body)  # connected, and warm
            dealers[-1].recv()
        seconds: list[float] = []
        began = time.perf_counter()
        for dealer in dealers:
            left[dealer] = (asked["asks"], time.perf_counter())
            dealer.send(body)
        while left:
            for dealer, _ in poller.poll(30_000):
                dealer.recv()
                many, sent = left.pop(dealer)
                now = time.perf_counter()
                seconds.append(now - sent)
                if many > 1:
                    left[dealer] = (many - 1, now)
                    dealer.send(body)
        wall = time.perf_counter() - began
        for dealer in dealers:
            dealer.close()
        return {"seconds": seconds, "wall": wall}

    serve(block)


def main(role: str, address: str, keys: str, size: str = "0") -> None:
    if role == "broker":
        broker(address, keys)
    elif role == "agent":
        agent(address, keys, int(size))
    else:
        caller(address, keys)


if __name__ == "__main__":
    main(*sys.argv[1:])
