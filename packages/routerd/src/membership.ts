/**
 * Who is in the group, by the newest of what the configuration and the operator's signed list say. The configuration is never written: the
 * list is kept beside the store, checked again when it is read back, and laid over what was configured.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  clusterOf,
  readRoster,
  SERIAL_ANNOTATION,
  verifierOf,
  type ReceivedRoster,
  type Roster,
} from '@routerd/federation';
import { ofKind, type Resource, type ResourceOf } from '@routerd/resources';
import type { Log } from '@routerd/runtime';

const FILE = 'members.roster';

export class Membership {
  readonly #file: string;
  readonly #log: Log;
  #startup: readonly Resource[];
  #roster: ReceivedRoster | undefined;

  private constructor(startup: readonly Resource[], file: string, log: Log) {
    this.#startup = startup;
    this.#file = file;
    this.#log = log;
  }

  /** With the list that was kept, where the operator's key still proves it. */
  static async open(startup: readonly Resource[], stateDir: string, log: Log): Promise<Membership> {
    const membership = new Membership(startup, path.join(stateDir, FILE), log);
    const group = groupOf(startup);
    const text = await readFile(membership.#file, 'utf8').catch(() => undefined);
    const verifier = verifierOf(group?.spec.rosterKey ?? '');
    if (group === undefined || text === undefined || !verifier.ok) return membership;
    const read = readRoster(text, verifier.value, group.metadata.name);
    if (read.ok) membership.#roster = { roster: read.value, text };
    else
      log.warn('the list of members that was kept does not count', { event: 'routerd.roster.refused', ...read.error });
    return membership;
  }

  /** The configuration with the members and hubs that count. */
  effective(): readonly Resource[] {
    return withRoster(this.#startup, this.#roster?.roster);
  }

  /** As it was signed; undefined where none came yet. */
  get text(): string | undefined {
    return this.#roster?.text;
  }

  /** The hubs by the list; undefined where it does not count beside what was configured. */
  get hubs(): readonly string[] | undefined {
    const roster = this.#roster?.roster;
    return roster !== undefined && counts(this.#startup, roster) ? [...roster.hubs.keys()] : undefined;
  }

  takeStartup(startup: readonly Resource[]): void {
    this.#startup = startup;
  }

  /** @returns whether it is newer than what is known. A list that cannot be kept counts all the same, until the next start. */
  async takeRoster(received: ReceivedRoster): Promise<boolean> {
    if (received.roster.serial <= (this.#roster?.roster.serial ?? 0)) return false;
    this.#roster = received;
    try {
      await writeFile(`${this.#file}.next`, received.text, { mode: 0o600, flush: true });
      await rename(`${this.#file}.next`, this.#file);
    } catch (cause) {
      this.#log.error('the list of members was not kept', { event: 'routerd.roster.not-kept', cause: String(cause) });
    }
    return true;
  }
}

function groupOf(startup: readonly Resource[]): ResourceOf<'EventGroup'> | undefined {
  return ofKind(startup, 'EventGroup')[0];
}

/** Of the newest list that was brought by hand; 0 where none was. */
function configuredSerial(startup: readonly Resource[]): number {
  const serials = ofKind(startup, 'EventPeer').map(({ metadata }) =>
    Number(metadata.annotations[SERIAL_ANNOTATION] ?? 0),
  );
  return Math.max(0, ...serials.filter(Number.isInteger));
}

/** EventPeers and the hubs of the EventGroup as the list says; all else as it was configured. What was brought by hand counts when it is newer. */
export function withRoster(startup: readonly Resource[], roster: Roster | undefined): readonly Resource[] {
  const group = groupOf(startup);
  if (group === undefined || roster === undefined || !counts(startup, roster)) return startup;
  const others = startup.filter(
    (resource) => resource !== group && !(resource.kind === 'EventPeer' && resource.spec.groupRef === roster.group),
  );
  return [...others, joined(group, roster), ...peersOf(group, roster)];
}

function counts(startup: readonly Resource[], { group, serial }: Roster): boolean {
  return group === groupOf(startup)?.metadata.name && configuredSerial(startup) <= serial;
}

function joined(group: ResourceOf<'EventGroup'>, { hubs }: Roster): ResourceOf<'EventGroup'> {
  const { nodeName, hub, tls, listen } = group.spec;
  const scheme = tls === undefined ? 'nats' : 'tls';
  const servers = [...hubs.values()].map(({ address, port }) => `${scheme}://${address}:${port}`);
  if (servers.length === 0) return group;
  const own = hubs.get(nodeName);
  if (own === undefined || hub === undefined) return { ...group, spec: { ...group.spec, servers } };
  const { replicas, cluster } = clusterOf(
    own,
    [...hubs].filter(([name]) => name !== nodeName).map(([, endpoint]) => endpoint),
  );
  const { cluster: configured, ...rest } = hub;
  // Where it listens for hubs it was told at its enrolment, if it was one of several then; the others are the list's.
  const at =
    configured?.listen ??
    (cluster === undefined || listen === undefined ? undefined : { ...listen, port: cluster.listen.port });
  const part = cluster === undefined || at === undefined ? {} : { cluster: { routes: cluster.routes, listen: at } };
  return { ...group, spec: { ...group.spec, servers, hub: { ...rest, replicas, ...part } } };
}

function peersOf({ apiVersion, spec }: ResourceOf<'EventGroup'>, roster: Roster): readonly ResourceOf<'EventPeer'>[] {
  return [...roster.nodes]
    .filter(([node]) => node !== spec.nodeName)
    .map(([nodeName, { publicKey, nextPublicKey }]) => ({
      apiVersion,
      kind: 'EventPeer',
      metadata: { name: nodeName, annotations: {}, ownerRefs: [] },
      spec: {
        groupRef: roster.group,
        nodeName,
        publicKey,
        ...(nextPublicKey === undefined ? {} : { nextPublicKey }),
      },
    }));
}
