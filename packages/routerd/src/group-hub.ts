/** The hub of the group, where this machine is one: its server if that is ours to run, and the streams of the group. */
import {
  ManagedHub,
  parseGroupName,
  provisionUntilDone,
  readSeedFile,
  signerOf,
  type HubSettings,
} from '@routerd/federation';
import { err, ofKind, ok, type Resource, type ResourceOf, type Result } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { SettingsFault } from './node-settings.ts';

export interface GroupHub {
  /** Takes over who is in the group, and the hubs; what else changed needs a restart. */
  reconfigure(startup: readonly Resource[]): Promise<void>;
  stop(): Promise<void>;
}

export interface GroupHubOptions {
  readonly startup: readonly Resource[];
  /** For the rendered configuration of the server. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface HubKeys {
  readonly own: string;
  readonly operatorSeed: string;
  readonly operator: string;
}

/** @returns undefined where this machine is no hub. Does not wait for the server: nodes live without a hub, and so does this one. */
export async function startGroupHub(options: GroupHubOptions): Promise<Result<GroupHub | undefined, SettingsFault>> {
  const { startup, stateDir, clock, log } = options;
  const group = groupOf(startup);
  if (group?.spec.role !== 'hub' || group.spec.hub === undefined) return ok(undefined);
  const keys = await readKeys(group.spec.identity.seedFile, group.spec.hub.operatorSeedFile);
  if (!keys.ok) return keys;
  const settings = hubSettings(startup, keys.value);
  if (!settings.ok) return settings;
  const server =
    settings.value === undefined ? undefined : new ManagedHub({ stateDir, settings: settings.value, clock, log });
  server?.start();
  let provisioning = keepStreams(group, keys.value, { clock, log });
  return ok({
    async reconfigure(next) {
      const changed = groupOf(next);
      const nextSettings = hubSettings(next, keys.value);
      if (changed?.spec.hub === undefined || !nextSettings.ok) return;
      if (nextSettings.value !== undefined) await server?.configure(nextSettings.value);
      await provisioning.stop();
      provisioning = keepStreams(changed, keys.value, { clock, log });
    },
    async stop() {
      await provisioning.stop();
      await server?.stop();
    },
  });
}

function groupOf(startup: readonly Resource[]): ResourceOf<'EventGroup'> | undefined {
  return ofKind(startup, 'EventGroup')[0];
}

async function readKeys(seedFile: string, operatorSeedFile: string): Promise<Result<HubKeys, SettingsFault>> {
  const publicKeys: string[] = [];
  const seeds: string[] = [];
  for (const file of [seedFile, operatorSeedFile]) {
    const seed = await readSeedFile(file);
    const signer = seed.ok ? signerOf(seed.value) : seed;
    if (!seed.ok || !signer.ok) {
      const detail = seed.ok ? 'not a seed' : seed.error.detail;
      const code = seed.ok ? 'identity.seed-malformed' : seed.error.code;
      return err({ code, message: detail, remedy: `Check the EventGroup: ${file}.` });
    }
    seeds.push(seed.value);
    publicKeys.push(signer.value.publicKey);
  }
  const [own = '', operator = ''] = publicKeys;
  return ok({ own, operator, operatorSeed: seeds[1] ?? '' });
}

/** @returns undefined when the server is not ours to run */
function hubSettings(startup: readonly Resource[], keys: HubKeys): Result<HubSettings | undefined, SettingsFault> {
  const group = groupOf(startup);
  const name = parseGroupName(group?.metadata.name ?? '');
  if (group === undefined || !name.ok)
    return err({ code: 'group.malformed', message: 'The EventGroup has no usable name.' });
  const { nodeName, server, listen, hub, tls } = group.spec;
  if (server !== 'managed' || listen === undefined || hub === undefined) return ok(undefined);
  const peers = ofKind(startup, 'EventPeer').filter(({ spec }) => spec.groupRef === group.metadata.name);
  const next = peers.flatMap(({ spec }) =>
    spec.nextPublicKey === undefined ? [] : [[spec.nodeName, spec.nextPublicKey] as const],
  );
  return ok({
    group: name.value,
    serverName: nodeName,
    listen: { host: listen.address, port: listen.port },
    storeDir: hub.storeDir,
    ...(hub.tls === undefined ? {} : { tls: { ...hub.tls, ...(tls === undefined ? {} : { caFile: tls.caFile }) } }),
    ...(hub.cluster === undefined
      ? {}
      : {
          cluster: {
            listen: { host: hub.cluster.listen.address, port: hub.cluster.listen.port },
            routes: hub.cluster.routes,
          },
        }),
    operator: keys.operator,
    nodes: new Map([[nodeName, keys.own], ...peers.map(({ spec }) => [spec.nodeName, spec.publicKey] as const)]),
    nextKeys: new Map(next),
  });
}

/** Makes the streams as soon as the hubs can, and brings them up to date with what this hub is told. */
function keepStreams(
  group: ResourceOf<'EventGroup'>,
  { operatorSeed }: HubKeys,
  { clock, log }: Pick<GroupHubOptions, 'clock' | 'log'>,
): { readonly stop: () => Promise<void> } {
  const stopping = new AbortController();
  const name = parseGroupName(group.metadata.name);
  const { servers, tls, hub, retention } = group.spec;
  const done = name.ok
    ? provisionUntilDone(
        {
          group: name.value,
          servers,
          ...(tls === undefined ? {} : { caFile: tls.caFile }),
          seed: operatorSeed,
          replicas: hub?.replicas ?? 1,
          retention,
          clock,
          log,
        },
        stopping.signal,
      )
    : Promise.resolve(false);
  return {
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}
