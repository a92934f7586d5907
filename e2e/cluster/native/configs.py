"""Configuration files of a node: containerd, kubelet, kube-proxy, the pod network, DNS."""

import json
from pathlib import Path

from cluster.native.control import Network

SOCKET = "node/containerd.sock"
PAUSE = "localhost/pause:1"
CONTAINERD = """\
version = 2
root = "{folder}/node/containerd"
state = "/run/hekaton-containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "{folder}/{socket}"
[ttrpc]
  address = "{folder}/{socket}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
  # Without CAP_SYS_RESOURCE a pod cannot lower its oom_score_adj, and runc would fail over it.
  restrict_oom_score_adj = true
  sandbox_image = "{pause}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/node/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""
COREFILE = """\
.:53 {{
  bind {node}
  errors
  kubernetes cluster.local {{
    kubeconfig {folder}/dns.kubeconfig native
  }}
  cache 5
}}
"""


def write(folder: Path, network: Network) -> None:
    """Write them all."""
    (folder / "node" / "cni").mkdir(parents=True)
    config = json.loads((folder / "admin.kubeconfig").read_text())
    server = json.loads((folder / "node0.kubeconfig").read_text())["clusters"]
    (folder / "dns.kubeconfig").touch(mode=0o600)
    (folder / "dns.kubeconfig").write_text(json.dumps(config | {"clusters": server}))
    values = {"folder": folder, "socket": SOCKET, "pause": PAUSE, "node": network.node}
    (folder / "node" / "containerd.toml").write_text(CONTAINERD.format(**values))
    (folder / "node" / "Corefile").write_text(COREFILE.format(**values))
    _json(folder / "node" / "kubelet.yaml", _kubelet(folder, network))
    _json(folder / "node" / "proxy.yaml", _proxy(folder, network))
    _json(folder / "node" / "cni" / "10-bridge.conflist", _bridge(folder, network))


def _json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1))


def _kubelet(folder: Path, network: Network) -> object:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{folder}/pki/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "address": network.node,
        "healthzPort": 0,
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/hekaton-{network.number}",
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "evictionHard": {
            "imagefs.available": "1%",
            "nodefs.available": "1%",
            "memory.available": "100Mi",
        },
        "containerRuntimeEndpoint": f"unix://{folder}/{SOCKET}",
        "podLogsDir": f"{folder}/node/pod-logs",
        "clusterDNS": [network.node],
        "clusterDomain": "cluster.local",
        "tlsCertFile": f"{folder}/pki/apiserver.crt",
        "tlsPrivateKeyFile": f"{folder}/pki/apiserver.key",
        "imageGCHighThresholdPercent": 99,
        "imageGCLowThresholdPercent": 98,
        "maxPods": 200,
    }


def _proxy(folder: Path, network: Network) -> object:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": f"{folder}/proxy.kubeconfig"},
        "clusterCIDR": network.pods,
        "hostnameOverride": "node0",
        "healthzBindAddress": "",
        "conntrack": {"maxPerCore": 0},
    }


def _bridge(folder: Path, network: Network) -> object:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "dataDir": f"{folder}/node/addresses",
            "ranges": [[{"subnet": network.pods}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "native", "plugins": [bridge, ports]}
