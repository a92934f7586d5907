"""The API server over one connection that stays open: thousands of dry runs in seconds.

kubectl would need a tenth of a second for each. Objects are JSON; unknown fields are refused, as
`kubectl apply` has it.
"""

import base64
import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cluster.use import Cluster

GROUP = "/apis/hekaton.dev/v1alpha1"
PLURALS = {"Formation": "formations", "Mission": "missions"}
MERGE = "application/merge-patch+json"
OBJECT = '"object": '


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to one request."""

    code: int
    body: Any

    @property
    def accepted(self) -> bool:
        """Whether it did what was asked for."""
        return self.code < 300

    @property
    def refusals(self) -> dict[str, str]:
        """The message of every refused field, without the `"object"` that older servers show."""
        causes = (self.body.get("details") or {}).get("causes") or ()
        return {each.get("field", ""): each["message"].replace(OBJECT, "") for each in causes}

    @property
    def message(self) -> str:
        """The whole complaint."""
        return str(self.body.get("message", ""))


@dataclass(frozen=True, slots=True)
class Server:
    """A connection with the rights of an administrator; objects go to one namespace."""

    connection: http.client.HTTPSConnection
    namespace: str
    group: str = GROUP

    def path(self, kind: str, name: str = "") -> str:
        """The address of a kind's objects, or of one of them."""
        at = f"{self.group}/namespaces/{self.namespace}/{PLURALS[kind]}"
        return f"{at}/{name}" if name else at

    def ask(self, method: str, path: str, body: object = None, kind: str = "") -> Answer:
        """Send one request; `kind` is the type of content where it is not JSON."""
        text = None if body is None else json.dumps(body)
        self.connection.request(method, path, text, {"Content-Type": kind or "application/json"})
        with self.connection.getresponse() as reply:
            return Answer(reply.status, json.loads(reply.read()))

    def dry(self, document: Any) -> Answer:
        """Ask whether an object would be accepted; nothing is kept."""
        path = f"{self.path(document['kind'])}?dryRun=All&fieldValidation=Strict"
        return self.ask("POST", path, document)

    def create(self, document: Any) -> Answer:
        """Make an object that stays."""
        return self.ask("POST", f"{self.path(document['kind'])}?fieldValidation=Strict", document)

    def merge(self, kind: str, name: str, change: object, part: str = "") -> Answer:
        """Change an object; `part` is `/status` for what the operator writes."""
        return self.ask("PATCH", self.path(kind, name) + part, change, MERGE)


@contextmanager
def connected(known: Cluster, namespace: str) -> Iterator[Server]:
    """A connection to the API server of this cluster."""
    config = json.loads(known.kubectl("config", "view", "--raw", "--minify", "--output=json"))
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    pem = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=pem)
    with TemporaryDirectory() as folder:
        names = {"certificate": Path(folder, "crt"), "key": Path(folder, "key")}
        for name, path in names.items():
            path.write_bytes(base64.b64decode(user[f"client-{name}-data"]))
        context.load_cert_chain(names["certificate"], names["key"])
    host = cluster["server"].removeprefix("https://")
    connection = http.client.HTTPSConnection(host, context=context, timeout=60)
    try:
        yield Server(connection, namespace)
    finally:
        connection.close()
