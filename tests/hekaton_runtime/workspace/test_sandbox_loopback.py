"""A command may talk to itself over a loopback of its own, and to nobody else."""

from typing import Any

SERVER = """
import http.server, threading, urllib.request
server = http.server.HTTPServer(({host!r}, 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
answer = urllib.request.urlopen(f"http://{host}:{{server.server_port}}/here", timeout=5)
print(answer.read().decode())
"""
TEST = """
import socket, unittest

class Echo(unittest.TestCase):
    def test_tcp(self):
        for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
            with socket.create_server((host, 0), family=family) as server:
                with socket.create_connection(server.getsockname()[:2]) as link:
                    other, _ = server.accept()
                    link.sendall(b"hello")
                    self.assertEqual(other.recv(9), b"hello")
                    other.close()

    def test_udp(self):
        with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as two:
            one.bind(("127.0.0.1", 0))
            two.sendto(b"hello", one.getsockname())
            self.assertEqual(one.recv(9), b"hello")
"""
TAKEN = """
import socket
with socket.create_server(("127.0.0.1", {tcp})) as server, socket.socket(type=socket.SOCK_DGRAM) as udp:
    udp.bind(("127.0.0.1", {udp}))
    with socket.create_connection(("127.0.0.1", {tcp}), 2) as link:
        server.accept()[0].sendall(b"mine")
        print(link.recv(9).decode())
"""


def test_a_server_on_the_loopback_answers_where_there_is_a_network_of_ones_own(box: Any) -> None:
    for host in ("127.0.0.1", "localhost"):
        code = SERVER.format(host=host)
        done = box.run(f"echo page > here; python -I -S - <<'END'\n{code}\nEND\n")
        if not box.namespaces:
            assert "Permission" in done.output
            return
        assert done.exit_code == 0, done.output
        assert "page" in done.output


def test_a_test_suite_that_opens_sockets_passes(box: Any) -> None:
    done = box.run(f"cat > test_echo.py <<'END'\n{TEST}\nEND\npython -m unittest test_echo")
    assert (done.exit_code == 0) is box.namespaces, done.output


def test_a_port_that_is_taken_outside_is_free_inside_and_another_one(box: Any) -> None:
    done = box.python(TAKEN.format(**box.places))
    assert ("mine" in done.output) is box.namespaces, done.output
    assert done.reached == ()


def test_two_commands_at_once_or_after_each_other_do_not_meet(box: Any) -> None:
    left = "import socket, os, time\ns = socket.create_server(('127.0.0.1', 4999))\nif os.fork(): os._exit(0)\ntime.sleep(20)"
    box.python(left)
    found = box.python("import socket; socket.create_connection(('127.0.0.1', 4999), 2)")
    assert found.exit_code == 1


def test_only_itself_is_in_the_network_and_its_names(box: Any) -> None:
    done = box.run("cat /proc/net/dev | tail -n +3 | cut -d: -f1; cat /etc/hosts")
    if box.namespaces:
        names = ["lo", "127.0.0.1 localhost", "::1 localhost"]
        assert [line.strip() for line in done.output.splitlines()] == names
    else:
        assert "localhost" not in done.output
