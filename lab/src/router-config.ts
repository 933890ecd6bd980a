/** The configuration of one router, from the topology: what an operator would write, and nothing that routerd derives. */
import { stringify } from 'yaml';
import { CLOUD_ACCOUNTS } from './cloud-accounts.ts';
import {
  GCP_EXCLUDED,
  GROUP,
  HUB,
  isCloud,
  listenPortFor,
  peersOf,
  POOL,
  POOL_EXCLUDED,
  POOL_PREFIX,
  ROUTERS,
  tunnelTo,
  type EmulatedCloud,
  type Router,
} from './topology.ts';

export interface RouterMaterial {
  readonly seedFile: string;
  readonly hubCaFile: string;
  readonly wireGuardKeyFile: string;
  /** NKey public key of every router, by name. */
  readonly identities: ReadonlyMap<string, string>;
  /** WireGuard public key of every router, by name. */
  readonly wireGuardKeys: ReadonlyMap<string, string>;
  /** Program, arguments and environment of the site's executor plugin. */
  readonly executor: {
    readonly node: string;
    readonly main: string;
    readonly environment: Readonly<Record<string, string>>;
  };
}

type Document = Readonly<Record<string, unknown>>;

/** YAML of several documents, as `routerd serve --config` reads it. */
/** @param members of the pool and of the federation, that router among them */
export function renderRouterConfig(
  router: Router,
  material: RouterMaterial,
  members: readonly Router[] = ROUTERS,
): string {
  const documents = [
    ...federation(router, material, members),
    ...links(router),
    ...overlay(router, material, members),
    ...(isCloud(router.site) ? provider(router.site, material) : []),
    mobilityPool(members),
  ];
  return documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n');
}

function resource(group: string, kind: string, name: string, spec: Document): Document {
  return { apiVersion: `${group}.routerd.net/v1alpha1`, kind, metadata: { name }, spec };
}

function federation(router: Router, material: RouterMaterial, members: readonly Router[]): readonly Document[] {
  const group = resource('federation', 'EventGroup', GROUP, {
    nodeName: router.name,
    servers: [`tls://${HUB.name}.lab.test:${HUB.port}`],
    identity: { seedFile: material.seedFile },
    tls: { caFile: material.hubCaFile },
    // Eight routers, three clouds and traffic share a few cores here: a daemon that starts again must not count as a dead router.
    heartbeat: { interval: '500ms', deadAfter: '10s' },
  });
  const peers = members
    .filter((peer) => peer.name !== router.name)
    .map((peer) =>
      resource('federation', 'EventPeer', peer.name, {
        groupRef: GROUP,
        nodeName: peer.name,
        publicKey: valueFor(material.identities, peer),
      }),
    );
  return [group, ...peers];
}

function links(router: Router): readonly Document[] {
  const names = router.site === 'onprem' ? ['lan0', 'wan0'] : ['eth0'];
  return names.map((ifname) => resource('net', 'Interface', ifname, { ifname, managed: false }));
}

/** One tunnel a peer, each of which accepts the whole pool: mobility lives in /32 routes, never in AllowedIPs. */
function overlay(router: Router, material: RouterMaterial, members: readonly Router[]): readonly Document[] {
  const own = resource('net', 'IPv4StaticAddress', 'overlay', { interface: 'lo', address: `${router.overlay}/32` });
  const tunnels = peersOf(router, members).flatMap((peer) => {
    const device = tunnelTo(peer);
    return [
      resource('net', 'WireGuardInterface', device, {
        privateKeyFile: material.wireGuardKeyFile,
        listenPort: listenPortFor(peer),
        mtu: 1420,
      }),
      resource('net', 'WireGuardPeer', peer.name, {
        interface: device,
        publicKey: valueFor(material.wireGuardKeys, peer),
        allowedIPs: [`${peer.overlay}/32`, POOL_PREFIX],
        endpoint: `${peer.wanAddress}:${listenPortFor(router)}`,
        persistentKeepalive: 5,
      }),
      resource('net', 'IPv4Route', `overlay-${peer.name}`, { destination: `${peer.overlay}/32`, device }),
      resource('hybrid', 'OverlayPeer', peer.name, {
        role: roleOf(peer),
        nodeID: peer.name,
        underlay: { type: 'wireguard', interface: device, address: peer.overlay },
      }),
    ];
  });
  return [own, ...tunnels];
}

function provider(cloud: EmulatedCloud, material: RouterMaterial): readonly Document[] {
  return [
    profile(cloud),
    resource('hybrid', 'ProviderActionPolicy', cloud, {
      enabled: true,
      dryRunOnly: false,
      requireApproval: false,
      allowedProviders: [cloud],
      allowedProviderRefs: [cloud],
      allowedActions: [
        'assign-secondary-ip',
        'unassign-secondary-ip',
        'ensure-forwarding-enabled',
        'ensure-forwarding-disabled',
      ],
      allowedCIDRs: [POOL_PREFIX],
      maxActionsPerRun: 64,
    }),
    resource('plugin', 'Plugin', `${cloud}-executor`, {
      executable: material.executor.node,
      args: [material.executor.main],
      timeout: '120s',
      env: material.executor.environment,
      capabilities: ['execute.providerAction'],
    }),
  ];
}

const CAPTURE_MODES: Readonly<Record<EmulatedCloud, string>> = {
  aws: 'eni-secondary-ip',
  azure: 'nic-secondary-ip',
  oci: 'vnic-secondary-ip',
  gcp: 'alias-ip-range',
};

function profile(cloud: EmulatedCloud): Document {
  const { region, account, scope } = CLOUD_ACCOUNTS[cloud];
  const where: Readonly<Record<EmulatedCloud, Document>> = {
    aws: { accountID: account },
    azure: { subscriptionID: account, resourceGroup: scope },
    oci: { compartmentId: scope },
    gcp: { accountID: account },
  };
  return resource('hybrid', 'CloudProviderProfile', cloud, {
    provider: cloud,
    region,
    ...where[cloud],
    capabilities: [CAPTURE_MODES[cloud], 'forwarding'],
    auth: { mode: 'instance-identity' },
  });
}

/** The one document that the operator authored for mobility; the same text on every node. */
function mobilityPool(members: readonly Router[]): Document {
  return resource('mobility', 'MobilityPool', POOL, {
    prefix: POOL_PREFIX,
    excludedAddresses: [...POOL_EXCLUDED, ...(members.some(({ site }) => site === 'gcp') ? [GCP_EXCLUDED] : [])],
    groupRef: GROUP,
    members: members.map((router) => ({
      nodeRef: router.name,
      site: router.site,
      role: roleOf(router),
      capture: captureAt(router),
      placement: {
        ...(isCloud(router.site) ? { group: `${router.site}-routers` } : {}),
        priority: router.priority,
      },
    })),
  });
}

function captureAt(router: Router): Document {
  if (!isCloud(router.site)) return { type: 'proxy-arp', interface: router.nic, gratuitousARP: true };
  const account = CLOUD_ACCOUNTS[router.site];
  return {
    type: 'provider-secondary-ip',
    providerRef: router.site,
    providerMode: CAPTURE_MODES[router.site],
    nicRef: account.nicId(router.name),
    interface: router.nic,
    ...(router.capacity === undefined ? {} : { capacity: router.capacity }),
    target: { region: account.region },
  };
}

function roleOf(router: Router): 'onprem' | 'cloud' {
  return isCloud(router.site) ? 'cloud' : 'onprem';
}

function valueFor(values: ReadonlyMap<string, string>, router: Router): string {
  const value = values.get(router.name);
  if (value === undefined) throw new Error(`nothing was generated for ${router.name}`);
  return value;
}
