#!/usr/bin/env python3
"""An executor in Python, standard library alone: the plugin protocol without the SDK (docs/reference/plugin-protocol.md).

One JSON object per line in, one per line out, until stdin ends. The cloud is the file that EXAMPLE_CLOUD_FILE names.
"""

import json
import os
import re
import sys

from file_cloud import CloudError, FileCloud

API_VERSION = "provideraction.routerd.net/v1alpha1"
REQUEST_BYTES_MAX = 1024 * 1024
HOST_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){3}/32")
PROVIDERS = ("aws", "azure", "oci", "gcp")
VERBS = (
    "assign-secondary-ip",
    "unassign-secondary-ip",
    "ensure-forwarding-enabled",
    "ensure-forwarding-disabled",
)
# Each kind of request with that of its answer.
KINDS = {
    "ExecuteActionRequest": "ExecuteActionResult",
    "ObserveNicRequest": "ObserveNicResult",
    "DescribeRequest": "DescribeResult",
    "InventoryRequest": "InventoryResult",
    "CheckRequest": "CheckResult",
    "PreflightRequest": "PreflightResult",
}
SECONDARIES_MAX = 100
# Whatever is not listed may have happened after the change was made.
CLASS_OF_CODE = {
    "AddressInUse": "held-elsewhere",
    "OutsideSubnet": "invalid",
    "TooManyRequests": "throttled",
}


class Refusal(Exception):
    """The whole request fails, with a class that tells the caller what to do."""

    def __init__(self, error_class, message):
        super().__init__(message)
        self.error_class = error_class


def exactly(value, fields, where, optional=()):
    """A mapping with these fields and no other: an unknown field may mean something that we would not do."""
    if not isinstance(value, dict):
        raise Refusal("invalid", f"{where} is no object")
    for name, kind in fields.items():
        if name not in value and name not in optional:
            raise Refusal("invalid", f"{where}.{name} is missing")
        if name in value and (not isinstance(value[name], kind) or isinstance(value[name], bool)):
            raise Refusal("invalid", f"{where}.{name} has the wrong type")
    unknown = set(value) - set(fields)
    if unknown:
        raise Refusal("invalid", f"{where} has unknown fields: {', '.join(sorted(unknown))}")
    return value


def one_of(value, allowed, where):
    if value not in allowed:
        raise Refusal("invalid", f"{where} is none of {', '.join(allowed)}")


def check_nic(nic):
    exactly(nic, {"provider": str, "providerRef": str, "nicRef": str, "target": dict}, "spec.nic")
    one_of(nic["provider"], PROVIDERS, "spec.nic.provider")
    if not all(isinstance(value, str) for value in nic["target"].values()):
        raise Refusal("invalid", "spec.nic.target has a value that is no text")


def check_execute(spec):
    exactly(spec, {"action": str, "nic": dict, "addresses": list, "mode": str, "attempt": str}, "spec")
    one_of(spec["action"], VERBS, "spec.action")
    one_of(spec["mode"], ("dry-run", "execute"), "spec.mode")
    check_nic(spec["nic"])
    if not spec["addresses"]:
        raise Refusal("invalid", "spec.addresses is empty")
    fields = {"address": str, "captureKey": str, "captureEpoch": int, "seizeFrom": str}
    for entry in spec["addresses"]:
        exactly(entry, fields, "spec.addresses", optional=("seizeFrom",))
        if not HOST_ADDRESS.fullmatch(entry["address"]) or entry["captureEpoch"] < 0:
            raise Refusal("invalid", "spec.addresses has an entry that is no /32 address with an epoch")


def own_nic(cloud, nic_ref):
    nic = cloud.read()["nics"].get(nic_ref)
    if nic is None:
        raise Refusal("not-found", f"there is no NIC {nic_ref}")
    return nic


def nic_state(nic):
    return {"addresses": [f"{address}/32" for address in nic["addresses"]], "forwarding": nic["forwarding"]}


def succeeded(message):
    return {"status": "succeeded", "message": message}


def failed(error_class, message):
    return {"status": "failed", "errorClass": error_class, "message": message}


def attempt(what, change):
    """One call, sent once. Returns what went wrong; reading tells what came of it."""
    try:
        change()
        return failed("unknown-outcome", f"{what} was accepted and does not show")
    except CloudError as error:
        return failed(CLASS_OF_CODE.get(error.code, "unknown-outcome"), f"{what} failed: {error.code}: {error}")


def look_at(cloud, spec, entry, take_from):
    """What is known of one address before anything is changed; None if it has to be changed."""
    nic_ref, target = spec["nic"]["nicRef"], spec["nic"]["target"]
    bare = entry["address"].removesuffix("/32")
    holder, is_primary = cloud.holder_of(bare)
    if spec["action"] == "unassign-secondary-ip":
        return None if holder == nic_ref and not is_primary else succeeded(f"alreadyAbsent: {nic_ref} has no {bare}")
    if is_primary:
        return failed("held-elsewhere", f"{bare} is the primary address of {holder}")
    if holder == nic_ref:
        return succeeded(f"alreadyPresent: {nic_ref} has {bare}")
    seize_from = entry.get("seizeFrom")
    # It is taken from the NIC that the request names as that node's, and from no other.
    expected = target.get(f"nicOf.{seize_from}")
    if holder is not None and (seize_from is None or holder != expected):
        return failed("held-elsewhere", f"{bare} is held by {holder}")
    if not bare.startswith("10.77.60."):
        return failed("invalid", f"{bare} is outside the subnet")
    if holder is not None:
        take_from.append(holder)
    return None


def change_addresses(cloud, spec):
    nic_ref, is_assign = spec["nic"]["nicRef"], spec["action"] == "assign-secondary-ip"
    own_nic(cloud, nic_ref)
    take_from = []
    known = {entry["address"]: look_at(cloud, spec, entry, take_from) for entry in spec["addresses"]}
    open_addresses = [address.removesuffix("/32") for address, result in known.items() if result is None]
    if open_addresses:
        what = f"{spec['action']} {', '.join(open_addresses)} at {nic_ref}"
        if spec["mode"] == "dry-run":
            outcome = {"status": "skipped", "message": f"dry run: would {what}"}
        elif is_assign:
            outcome = attempt(what, lambda: cloud.assign(nic_ref, open_addresses, take_from))
        else:
            outcome = attempt(what, lambda: cloud.unassign(nic_ref, open_addresses))
        held = own_nic(cloud, nic_ref)["addresses"]
        for bare in open_addresses:
            is_done = spec["mode"] == "execute" and (bare in held) == is_assign
            known[f"{bare}/32"] = succeeded(f"done: {what}") if is_done else outcome
    results = [{"address": entry["address"], **known[entry["address"]]} for entry in spec["addresses"]]
    return results, {"networkInterfaceId": nic_ref}


def change_forwarding(cloud, spec):
    nic_ref, wanted = spec["nic"]["nicRef"], spec["action"] == "ensure-forwarding-enabled"
    before = own_nic(cloud, nic_ref)["forwarding"]
    what = f"set forwarding of {nic_ref} to {wanted}"
    if before == wanted:
        outcome = succeeded(f"alreadyPresent: {what}")
    elif spec["mode"] == "dry-run":
        outcome = {"status": "skipped", "message": f"dry run: would {what}"}
    else:
        outcome = attempt(what, lambda: cloud.set_forwarding(nic_ref, wanted))
        if own_nic(cloud, nic_ref)["forwarding"] == wanted:
            outcome = succeeded(f"done: {what}")
    results = [{"address": entry["address"], **outcome} for entry in spec["addresses"]]
    return results, {"priorForwarding": str(before).lower()}


def inventory(cloud, spec):
    """Who has what in the subnet. One page: the file is small."""
    own, nics = own_nic(cloud, spec["nic"]["nicRef"]), cloud.read()["nics"]
    entries = [
        {"address": f"{bare}/32", "nicRef": ref, "isPrimary": bare == nic["primary"]}
        for ref, nic in nics.items()
        for bare in [nic["primary"], *nic["addresses"]]
    ]
    capacity = {"secondariesMax": SECONDARIES_MAX, "secondariesUsed": len(own["addresses"])}
    return {
        "nic": nic_state(own),
        "primary": f"{own['primary']}/32",
        "capacity": {**capacity, "subnetPrefix": "10.77.60.0/24"},
        "limits": {"addressesPerCall": SECONDARIES_MAX},
        "entries": entries,
    }


def check(cloud, spec):
    """Where each address is now. The file does not lag; a provider's listing may, and then one look is no proof of absence."""
    nic_ref = spec["nic"]["nicRef"]
    forwarding = "enabled" if own_nic(cloud, nic_ref)["forwarding"] else "disabled"
    results = []
    for address in spec["addresses"]:
        holder, _ = cloud.holder_of(address.removesuffix("/32"))
        if holder is None:
            where = {"state": "absent", "message": f"no NIC has {address}"}
        elif holder == nic_ref:
            where = {"state": "present", "message": f"{nic_ref} has {address}"}
        else:
            where = {"state": "elsewhere", "holder": holder, "message": f"{holder} has {address}"}
        results.append({"address": address, **where})
    return {"results": results, "forwarding": forwarding}


def preflight(cloud, spec):
    """What the identity of this process may do, told without doing it."""
    own_nic(cloud, spec["nic"]["nicRef"])
    is_writable = os.access(cloud.file, os.W_OK) and os.access(os.path.dirname(cloud.file) or ".", os.W_OK)
    finding = {"name": "file:write", "permission": "file:write", "actions": spec["actions"]}
    if is_writable:
        finding |= {"verdict": "passed", "message": "the file of the cloud can be written"}
    else:
        remedy = "let the user of the plugin write the file of the cloud and its folder"
        finding |= {"verdict": "failed", "message": "the file of the cloud cannot be written", "remedy": remedy}
    return {"findings": [finding]}


def describe(cloud, spec):
    """Which version the rest is in, and what this executor can do."""
    if API_VERSION not in spec["versions"]:
        raise Refusal("invalid", f"this executor speaks {API_VERSION} alone")
    return {
        "version": API_VERSION,
        "executor": {"name": "executor-python", "release": "1"},
        "requests": list(KINDS),
        "actions": list(VERBS),
        "providers": list(PROVIDERS),
        "storesEpoch": False,
    }


def check_texts(values, allowed, where):
    """A list of texts, at least one; each of them one of those that are allowed."""
    if not values or not all(isinstance(value, str) for value in values):
        raise Refusal("invalid", f"{where} is no list of texts")
    for value in values:
        if allowed is not None:
            one_of(value, allowed, where)


def read_request(cloud, kind, spec):
    """The requests that change nothing."""
    fields = {
        "DescribeRequest": {"versions": list},
        "ObserveNicRequest": {"nic": dict},
        "InventoryRequest": {"nic": dict, "page": str},
        "CheckRequest": {"nic": dict, "addresses": list},
        "PreflightRequest": {"nic": dict, "actions": list},
    }[kind]
    exactly(spec, fields, "spec", optional=("page",))
    if kind == "DescribeRequest":
        check_texts(spec["versions"], None, "spec.versions")
        return describe(cloud, spec)
    check_nic(spec["nic"])
    if kind == "ObserveNicRequest":
        return {"nic": nic_state(own_nic(cloud, spec["nic"]["nicRef"]))}
    if kind == "InventoryRequest":
        return inventory(cloud, spec)
    if kind == "CheckRequest":
        check_texts(spec["addresses"], None, "spec.addresses")
        return check(cloud, spec)
    check_texts(spec["actions"], VERBS, "spec.actions")
    return preflight(cloud, spec)


def answer(cloud, line):
    """One result for one line, whatever the line is."""
    request = {}
    try:
        if len(line) > REQUEST_BYTES_MAX:
            raise Refusal("invalid", "the request is longer than 1 MiB")
        try:
            request = json.loads(line)
        except ValueError as error:
            raise Refusal("invalid", "the request is not JSON") from error
        exactly(request, {"apiVersion": str, "kind": str, "id": str, "spec": dict}, "request")
        one_of(request["apiVersion"], (API_VERSION,), "apiVersion")
        one_of(request["kind"], tuple(KINDS), "kind")
        spec = request["spec"]
        if request["kind"] != "ExecuteActionRequest":
            status = {"status": "completed", **read_request(cloud, request["kind"], spec)}
        else:
            check_execute(spec)
            is_address = spec["action"].endswith("secondary-ip")
            results, observed = (change_addresses if is_address else change_forwarding)(cloud, spec)
            nic = nic_state(own_nic(cloud, spec["nic"]["nicRef"]))
            status = {"status": "completed", "results": results, "observed": observed, "nic": nic}
    except Refusal as refusal:
        status = {"status": "failed", "error": {"class": refusal.error_class, "message": str(refusal)}}
    except Exception as error:  # the caller has to look what came of it
        message = f"the plugin failed unexpectedly: {type(error).__name__}"
        status = {"status": "failed", "error": {"class": "unknown-outcome", "message": message}}
    fields = request if isinstance(request, dict) else {}
    asked = fields.get("kind")
    kind = KINDS.get(asked if isinstance(asked, str) else "", "ExecuteActionResult")
    identity = fields.get("id") if isinstance(fields.get("id"), str) else ""
    return {"apiVersion": API_VERSION, "kind": kind, "id": identity, "status": status}


def lines(stream):
    """Complete lines; of one that is too long only so much that it is seen to be."""
    while line := stream.readline(REQUEST_BYTES_MAX + 2):
        rest = line
        while not rest.endswith(b"\n") and len(rest) > REQUEST_BYTES_MAX:
            rest = stream.readline(REQUEST_BYTES_MAX + 2)
        if line.strip():
            yield line


def main():
    protocol = sys.stdout
    sys.stdout = sys.stderr  # whatever prints does not disturb the protocol
    cloud = FileCloud(os.environ["EXAMPLE_CLOUD_FILE"])
    for line in lines(sys.stdin.buffer):
        protocol.write(json.dumps(answer(cloud, line.rstrip(b"\n"))) + "\n")
        protocol.flush()


if __name__ == "__main__":
    main()
