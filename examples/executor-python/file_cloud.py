"""A cloud that is a file: NICs, addresses with one holder each, forwarding, and faults to come.

It stands where a provider's SDK would. As a program it is the test cloud's own door: file_cloud.py reset | state | fault KIND.
One process at a time writes the file.
"""

import json
import os
import sys
import time

FAULTS = ("throttle", "server-error", "lost-reply", "hang", "slow")
SLOW_SECONDS = 2
EMPTY = {
    "nics": {
        "nic-a": {"primary": "10.77.60.4", "addresses": [], "forwarding": False},
        "nic-b": {"primary": "10.77.60.5", "addresses": [], "forwarding": False},
        "nic-client": {"primary": "10.77.60.11", "addresses": [], "forwarding": False},
    },
    "mutations": 0,
    "fault": None,
}


class CloudError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class FileCloud:
    def __init__(self, file):
        self.file = file

    def read(self):
        with open(self.file, encoding="utf-8") as stream:
            return json.load(stream)

    def write(self, cloud):
        """Whole or not at all."""
        with open(self.file + ".new", "w", encoding="utf-8") as stream:
            json.dump(cloud, stream)
        os.replace(self.file + ".new", self.file)

    def holder_of(self, address):
        """The NIC that has the address, and whether it is its own."""
        for nic_ref, nic in self.read()["nics"].items():
            if address == nic["primary"] or address in nic["addresses"]:
                return nic_ref, address == nic["primary"]
        return None, False

    def assign(self, nic_ref, addresses, take_from):
        """All addresses onto one NIC, or none. `take_from`: NICs that may lose a secondary by it."""

        def change(nics):
            for address in addresses:
                if not address.startswith("10.77.60."):
                    raise CloudError("OutsideSubnet", f"{address} is outside the subnet")
                holder, is_primary = self.holder_of(address)
                if holder not in (None, nic_ref) and (is_primary or holder not in take_from):
                    raise CloudError("AddressInUse", f"{address} is in use by {holder}")
            for nic in nics.values():
                nic["addresses"] = [each for each in nic["addresses"] if each not in addresses]
            nics[nic_ref]["addresses"] += addresses

        self._mutate(change)

    def unassign(self, nic_ref, addresses):
        def change(nics):
            nics[nic_ref]["addresses"] = [each for each in nics[nic_ref]["addresses"] if each not in addresses]

        self._mutate(change)

    def set_forwarding(self, nic_ref, forwarding):
        def change(nics):
            nics[nic_ref]["forwarding"] = forwarding

        self._mutate(change)

    def _mutate(self, change):
        cloud = self.read()
        fault = cloud["fault"]
        self.write({**cloud, "mutations": cloud["mutations"] + 1, "fault": None})
        if fault == "throttle":
            raise CloudError("TooManyRequests", "slow down")
        if fault == "server-error":
            raise CloudError("InternalError", "try again later")
        while fault == "hang":
            time.sleep(3600)
        if fault == "slow":
            time.sleep(SLOW_SECONDS)
        cloud = self.read()
        change(cloud["nics"])
        self.write(cloud)
        if fault == "lost-reply":
            raise CloudError("ConnectionReset", "the connection was reset")


def main(order, kind=None):
    cloud = FileCloud(os.environ["EXAMPLE_CLOUD_FILE"])
    if order == "reset":
        cloud.write(EMPTY)
    elif order == "fault" and kind in FAULTS:
        cloud.write({**cloud.read(), "fault": kind})
    elif order == "state":
        seen = cloud.read()
        nics = {ref: {key: nic[key] for key in ("addresses", "forwarding")} for ref, nic in seen["nics"].items()}
        print(json.dumps({"nics": nics, "mutations": seen["mutations"]}))
    else:
        sys.exit("usage: file_cloud.py reset | state | fault KIND")


if __name__ == "__main__":
    main(*sys.argv[1:])
