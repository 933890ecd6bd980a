/** What a node is told by its configuration, lowered once at start: who it is, its pools, its group, its policies. Pure. */
import { digestOf } from '@routerd/config';
import { parseGroupName, type FederationConfig, type HubConfig } from '@routerd/federation';
import { poolContexts, type PoolContext } from '@routerd/mobility';
import {
  err,
  ofKind,
  ok,
  type HostAddress,
  type ReconcileSettings,
  type Resource,
  type ResourceOf,
  type Result,
} from '@routerd/resources';

const DIGEST_DIGITS = 16;

export interface NodeSettings {
  readonly startup: readonly Resource[];
  /** What a Router says of how this host is changed; undefined where none does. */
  readonly reconcile: ReconcileSettings | undefined;
  readonly pools: readonly PoolContext[];
  /** Undefined without an EventGroup: hand-written claims need no federation. */
  readonly federation: (Omit<FederationConfig, 'seed'> & HubConfig & { readonly seedFile: string }) | undefined;
  readonly policies: readonly ResourceOf<'ProviderActionPolicy'>[];
  readonly plugins: readonly ResourceOf<'Plugin'>[];
  readonly handWrittenClaims: readonly ResourceOf<'RemoteAddressClaim'>[];
  /** Addresses that the configuration gives to this host itself, those that it shares with other routers among them. */
  readonly ownAddresses: ReadonlySet<HostAddress>;
}

export interface SettingsFault {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
}

/** @param startup valid configuration */
export function nodeSettings(
  startup: readonly Resource[],
  reconcile?: ReconcileSettings,
): Result<NodeSettings, SettingsFault> {
  const pools = poolContexts(startup);
  if (!pools.ok) return pools;
  const federation = federationOf(startup, pools.value);
  if (!federation.ok) return federation;
  const own = ofKind(startup, 'IPv4StaticAddress').map(
    ({ spec }) => `${spec.address.split('/')[0] ?? ''}/32` as HostAddress,
  );
  const shared = ofKind(startup, 'VirtualAddress').map(({ spec }) => spec.address);
  return ok({
    startup,
    reconcile,
    pools: pools.value,
    federation: federation.value,
    policies: ofKind(startup, 'ProviderActionPolicy'),
    plugins: ofKind(startup, 'Plugin'),
    handWrittenClaims: ofKind(startup, 'RemoteAddressClaim'),
    ownAddresses: new Set([...own, ...shared]),
  });
}

function federationOf(
  startup: readonly Resource[],
  pools: readonly PoolContext[],
): Result<NodeSettings['federation'], SettingsFault> {
  const [group, second] = ofKind(startup, 'EventGroup');
  if (group === undefined) return ok(undefined);
  if (second !== undefined) {
    return err({
      code: 'federation.several-groups',
      message: `EventGroup/${group.metadata.name} and EventGroup/${second.metadata.name} are both declared; a node belongs to one group.`,
      remedy: 'Keep one of them.',
    });
  }
  const name = parseGroupName(group.metadata.name);
  if (!name.ok)
    return err({
      code: name.error.code,
      message: `EventGroup "${name.error.input}": a group is named in lower-case letters, digits and "-".`,
    });
  const { nodeName, servers, identity, tls, rosterKey, heartbeat, replayWindow, retention } = group.spec;
  const peers = ofKind(startup, 'EventPeer').filter(({ spec }) => spec.groupRef === group.metadata.name);
  return ok({
    group: name.value,
    self: nodeName,
    servers,
    seedFile: identity.seedFile,
    ...(tls === undefined ? {} : { caFile: tls.caFile }),
    ...(rosterKey === undefined ? {} : { rosterKey }),
    peers: new Map(peers.map(({ spec }) => [spec.nodeName, spec.publicKey])),
    nextKeys: new Map(
      peers.flatMap(({ spec }) =>
        spec.nextPublicKey === undefined ? [] : [[spec.nodeName, spec.nextPublicKey] as const],
      ),
    ),
    heartbeatInterval: heartbeat.interval,
    deadAfter: heartbeat.deadAfter,
    replayWindow,
    retention,
    pools: new Map(
      pools.map((pool) => [
        pool.name,
        {
          prefix: pool.prefix,
          sites: new Map([...pool.members].map(([node, { site }]) => [node, site])),
          // A digest in every heartbeat: long enough that two definitions do not share it by accident.
          digest: digestOf(pool.pool.spec).slice(0, DIGEST_DIGITS),
          drainsSelf: pool.selfMember?.spec.maintenance?.drain === true,
        },
      ]),
    ),
  });
}
