/**
 * A cloud and a Proxmox site with one subnet, as the pairs in examples/ have it:
 *
 *                    WAN 198.51.100.0/24
 *          │ fabric                        │ .1, translates what leaves the site
 *   cloud fabric, 10.0.0.1          LAN bridge, 10.0.0.1
 *     ├ <cloud>-router .4             ├ pve-router .5
 *     └ <cloud>-vm     .7             └ pve-vm     .9
 *
 * The names, addresses and interfaces are those of the example files, which are applied as they are.
 */
import { FABRICS, type Client, type Cloud, type Fabric, type RouterPlace, type Topology } from './topology.ts';

/** As the vendors' Linux images name a machine's first NIC. */
const CLOUD_NICS: Readonly<Record<Cloud, string>> = { azure: 'eth0', aws: 'ens5', oci: 'ens3' };
/** As Proxmox' default machine type names it. */
const PVE_NIC = 'ens18';

export interface Pair extends Topology {
  readonly cloud: Cloud;
}

/** A clamped segment passes (1300 + 40 of headers, which WireGuard fills up to 1344, + 60 = 1404 bytes), a full packet of the tunnel (1420 + 60) does not. */
const OCI_UNDERLAY_MTU = 1420;

export const PAIRS: Readonly<Record<Cloud, Pair>> = {
  azure: pairOf('azure', undefined),
  aws: pairOf('aws', undefined),
  oci: pairOf('oci', OCI_UNDERLAY_MTU),
};

function pairOf(cloud: Cloud, underlayMtu: Topology['underlayMtu']): Pair {
  const fabric = fabricOf(cloud);
  const nic = CLOUD_NICS[cloud];
  const publicAddress = fabric.wanAddress.replace(/0$/, '1');
  return {
    id: `pair-${cloud}`,
    cloud,
    underlayMtu,
    subnet: '10.0.0.0/24',
    gateway: '10.0.0.1',
    hub: undefined,
    fabrics: [fabric],
    routers: [
      {
        name: `${cloud}-router`,
        site: cloud,
        address: '10.0.0.4',
        overlay: '10.255.0.1',
        nic,
        wanAddress: publicAddress,
      },
      {
        name: 'pve-router',
        site: 'onprem',
        address: '10.0.0.5',
        overlay: '10.255.0.2',
        nic: PVE_NIC,
        wanAddress: undefined,
      },
    ],
    federated: [],
    clients: [
      { name: `${cloud}-vm`, site: cloud, address: '10.0.0.7', nic },
      { name: 'pve-vm', site: 'onprem', address: '10.0.0.9', nic: PVE_NIC },
    ],
    lanUplink: '198.51.100.1',
  };
}

function fabricOf(cloud: Cloud): Fabric {
  const found = FABRICS.find((fabric) => fabric.cloud === cloud);
  if (found === undefined) throw new Error(`no fabric of ${cloud}`);
  return found;
}

/** Router and client of one side. */
interface Side {
  readonly router: RouterPlace;
  readonly client: Client;
}

export interface Sides {
  readonly cloud: Side;
  readonly onprem: Side;
}

export function sidesOf({ routers, clients }: Pair): Sides {
  const [cloudRouter, pveRouter] = routers;
  const [cloudClient, pveClient] = clients;
  if (!cloudRouter || !pveRouter || !cloudClient || !pveClient) throw new Error('two sides expected');
  return {
    cloud: { router: cloudRouter, client: cloudClient },
    onprem: { router: pveRouter, client: pveClient },
  };
}
