"""Keys and certificates of one cluster, made by openssl: elliptic curves, since they cost nothing."""

import base64
import json
from pathlib import Path

from cluster.shell import run

DAYS = "30"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
USERS = {
    "apiserver": "/CN=kube-apiserver",
    "admin": "/O=system:masters/CN=admin",
    "manager": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "proxy": "/CN=system:kube-proxy",
    "node0": "/O=system:nodes/CN=system:node:node0",
}
# What Python 3.13 asks of certificates (VERIFY_X509_STRICT), and every installer of Kubernetes gives them.
AUTHORITY = ("-addext", "keyUsage=critical,digitalSignature,keyEncipherment,keyCertSign")
LEAF = """\
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
authorityKeyIdentifier=keyid
"""
HOSTS = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


def make(folder: Path, addresses: tuple[str, ...]) -> None:
    """Make a certificate for every user and for the server under these addresses."""
    folder.mkdir(mode=0o700)
    subject = ("-subj", "/CN=hekaton-cluster-ca")
    run(["openssl", "req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.crt",
         "-days", DAYS, *AUTHORITY, *subject], cwd=folder)  # fmt: skip
    names = [*(f"DNS:{host}" for host in HOSTS), *(f"IP:{address}" for address in addresses)]
    (folder / "names").write_text(f"{LEAF}subjectAltName={','.join(names)}\n")
    for user, who in USERS.items():
        run(["openssl", "req", *NEW_KEY, "-keyout", f"{user}.key", "-out", f"{user}.csr",
             "-subj", who], cwd=folder)  # fmt: skip
        run(["openssl", "x509", "-req", "-in", f"{user}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
             "-CAcreateserial", "-days", DAYS, "-extfile", "names", "-out", f"{user}.crt"],
            cwd=folder)  # fmt: skip
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sa.key"],
        cwd=folder)  # fmt: skip
    run(["openssl", "ec", "-in", "sa.key", "-pubout", "-out", "sa.pub"], cwd=folder)


def kubeconfig(folder: Path, user: str, server: str) -> str:
    """A kubeconfig that needs no other file. JSON, which is YAML too."""

    def data(name: str) -> str:
        return base64.b64encode((folder / name).read_bytes()).decode()

    cluster = {"server": server, "certificate-authority-data": data("ca.crt")}
    keys = {
        "client-certificate-data": data(f"{user}.crt"),
        "client-key-data": data(f"{user}.key"),
    }
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "native", "cluster": cluster}],
        "users": [{"name": user, "user": keys}],
        "contexts": [{"name": "native", "context": {"cluster": "native", "user": user}}],
        "current-context": "native",
    }
    return json.dumps(config, indent=1) + "\n"
