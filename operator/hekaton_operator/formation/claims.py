"""The conditions of a formation. Pure.

Ready speaks of the newest generation only; Serving also of the revision that it replaces. Reconciling
and Stalled are what kstatus reads: work goes on by itself, or waits for a person.
"""

from dataclasses import dataclass

from hekaton_api.formation import FormationSpec
from hekaton_operator.conditions import Claim, truth
from hekaton_operator.formation.swap import Swap
from hekaton_operator.formation.view import View, ready_pods, serving_pods
from hekaton_operator.pods import Trouble, trouble


@dataclass(frozen=True, slots=True)
class Fault:
    """Why nothing goes on before somebody changes something."""

    reason: str
    message: str


def stalled(fault: Fault, vram: Claim | None = None, serving: bool = False) -> tuple[Claim, ...]:
    """Conditions of a formation whose spec cannot be carried out."""
    fits = vram or Claim("VRAMFits", "Unknown", fault.reason, "Not planned: see Stalled.")
    keeps = "An earlier generation still serves." if serving else "Nothing is served."
    return (
        Claim("Ready", "False", fault.reason, fault.message),
        Claim("Reconciling", "False", fault.reason, "Waits for a change: see Stalled."),
        Claim("Stalled", "True", fault.reason, fault.message),
        Claim("Serving", truth(serving), fault.reason, keeps),
        fits,
        Claim("SwapInProgress", "False", "NoSwap", "No revision takes over from another."),
        Claim("Drained", "False", fault.reason, "Nothing is drained."),
    )


def working(
    view: View, spec: FormationSpec, wanted: str, swap: Swap, vram: Claim, changes: bool
) -> tuple[Claim, ...]:
    """Conditions of a formation that can be carried out.

    `changes`: its StatefulSet is about to be written, so that what it says of its pods is of yesterday.
    """
    ready = _ready(view, spec, wanted, swap, changes)
    serving = [pod for pod in view.pods if serving_pods(view, pod.revision) and pod.ready]
    count = sum(not pod.deleting for pod in serving)
    going = not ready_now(ready) and ready.reason != "AtRest"
    message = ready.message if going else "Everything is as wanted."
    return (
        ready,
        Claim("Reconciling", truth(going), ready.reason, message),
        Claim("Stalled", "False", "Progressing", "Nothing waits for a person."),
        Claim(
            "Serving",
            truth(count > 0),
            "PodsReady" if count else "NoPodReady",
            f"{count} of {spec.replicas} pods take requests.",
        ),
        vram,
        _swapping(view, wanted, swap),
        _drained(swap),
    )


def ready_now(claim: Claim) -> bool:
    return claim.status == "True"


def _ready(view: View, spec: FormationSpec, wanted: str, swap: Swap, changes: bool) -> Claim:
    count = len(ready_pods(view, wanted))
    if not spec.replicas:
        return Claim("Ready", "False", "AtRest", "spec.replicas is 0: scale up to use it.")
    if swap.running:
        return Claim(
            "Ready", "False", "Updating", f"Revision {wanted} takes over: see SwapInProgress."
        )
    if changes and count:
        return Claim("Ready", "False", "Updating", f"StatefulSet {wanted} is being changed.")
    if count >= spec.replicas:
        return Claim("Ready", "True", "PodsReady", f"{count} of {spec.replicas} pods are ready.")
    found = trouble(view.pods) or Trouble("PodsNotReady", _unready(view, wanted))
    text = f"{count} of {spec.replicas} pods are ready. {found.message}"
    return Claim("Ready", "False", found.reason, text)


def _unready(view: View, wanted: str) -> str:
    pods = [pod for pod in view.pods if pod.revision == wanted and not pod.ready]
    held = [f"{each.container} ({each.reason})" for pod in pods for each in pod.waiting]
    if held:
        return f"Waiting: {', '.join(sorted(set(held))[:8])}."
    if pods:
        return "They start."
    return f"They are being made; if none comes, kubectl describe statefulset {wanted} says why."


def _swapping(view: View, wanted: str, swap: Swap) -> Claim:
    if not swap.running:
        return Claim("SwapInProgress", "False", "NoSwap", "No revision takes over from another.")
    old = ", ".join(each.name for each in (*swap.goes, *swap.stays))
    if swap.until is None and swap.stays:
        reason, text = "Starting", f"{old} -> {wanted}: the new pods start beside the old."
    elif swap.stays:
        reason, text = "Draining", f"{old} -> {wanted}: waits for {swap.busy} missions."
    else:
        reason, text = "Replacing", f"{old} -> {wanted}: the old pods go."
    return Claim("SwapInProgress", "True", reason, text)


def _drained(swap: Swap) -> Claim:
    if not swap.running:
        return Claim("Drained", "False", "NoSwap", "Nothing is drained.")
    if swap.busy:
        return Claim(
            "Drained", "False", "MissionsRun", f"{swap.busy} missions hold the old revision."
        )
    return Claim("Drained", "True", "NoMission", "No mission holds the old revision.")
