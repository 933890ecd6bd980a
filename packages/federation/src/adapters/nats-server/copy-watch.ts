/**
 * A hub compares its copies of the streams with the logs, rarely. One that stands still, which nats-server 2.9 does not always notice itself, makes
 * whoever is given it to read look for another; it is named in the log, and the server is started again, which makes it compare its copies.
 *
 * Only while a majority of the others has every stream, and not again soon: a server that stays so is for a person to look at.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import type { HubConfig } from '../../federation-config.ts';
import { captureStream, eventsStream, factsStream, rosterStream, type GroupName } from '../../subjects.ts';
import { connectHub } from '../nats/connect-hub.ts';
import { find, OPERATOR } from '../nats/provision-group.ts';
import { isSpared, LOOKS, standingCopies, type CopyLook, type OrderedStream } from './copy-judgement.ts';
import type { ManagedHub } from './managed-hub.ts';

const LOOK_INTERVAL_MS = 20_000;
const RESTART_PAUSE_MS = 900_000;

export interface CopyWatchOptions extends HubConfig {
  readonly hub: Pick<ManagedHub, 'copies' | 'restart'>;
  readonly group: GroupName;
  /** Server name of this hub. */
  readonly self: string;
  /** NKey seed of the operator's user. Secret. */
  readonly seed: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Returns when `signal` aborts. @param look one look at the streams; undefined when somebody did not answer */
export async function watchCopies(
  options: CopyWatchOptions,
  signal: AbortSignal,
  look: () => Promise<CopyLook | undefined> = async () => lookAt(options),
): Promise<void> {
  const { self, hub, clock, log } = options;
  let looks: CopyLook[] = [];
  let said = '';
  let restartedAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    await clock.sleepUntil((clock.monotonic() + LOOK_INTERVAL_MS) as Monotonic, signal);
    if (signal.aborted) return;
    const now = await look();
    looks = now === undefined ? [] : [...looks, now].slice(-LOOKS);
    const standing = standingCopies(self, looks);
    const detail = standing.join('; ');
    if (detail !== said && detail !== '')
      log.error('a copy of a stream stands still at this hub', { event: 'hub.copy.stands-still', hub: self, detail });
    said = detail;
    const isDue = clock.monotonic() - restartedAt >= RESTART_PAUSE_MS;
    if (standing.length === 0 || now === undefined || !isDue || !isSpared(self, now) || signal.aborted) continue;
    log.warn('the hub is started again, so that it gets what it lacks', { event: 'hub.copy.restart', detail });
    restartedAt = clock.monotonic();
    looks = [];
    await hub.restart();
  }
}

async function lookAt(options: CopyWatchOptions): Promise<CopyLook | undefined> {
  const { group, hub } = options;
  const connected = await connectHub({ ...options, ...OPERATOR });
  if (!connected.ok) return undefined;
  const { connection } = connected.value;
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const ordered = new Map<string, OrderedStream>();
    // The copies first: what they lack of what is asked for afterwards may have come in between, which the next look tells.
    const own = await hub.copies();
    for (const stream of [factsStream(group), captureStream(group), eventsStream(group), rosterStream(group)]) {
      const info = await find(manager, stream);
      if (info?.cluster?.leader === undefined) continue;
      const { leader, replicas = [] } = info.cluster;
      const followers = replicas.map(({ name, current, offline }) => ({
        name,
        isCurrent: current && !offline,
      }));
      ordered.set(stream, { lastSequence: info.state.last_seq, leader, followers });
    }
    return own === undefined ? undefined : { own, ordered };
  } catch {
    return undefined;
  } finally {
    await connection.close();
  }
}
