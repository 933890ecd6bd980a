/**
 * A hub that the operator took out of his list is still counted by the cluster, and the streams still wait for its copies. The hub that leads the
 * cluster takes it out; the server then puts the copies of each stream that it had at another hub.
 *
 * Only one that is silent, and only while every hub of the list is there: then a majority stays a majority at every moment.
 */
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { judgeDepartures, type ClusterPeer } from './cluster-judgement.ts';
import { askAsKeeper, type KeeperOptions } from './keeper-server.ts';
import type { ManagedHub } from './managed-hub.ts';

const LOOK_INTERVAL_MS = 2000;

export interface DepartureWatchOptions extends KeeperOptions {
  readonly hub: Pick<ManagedHub, 'peers'>;
  /** Server name of this hub. */
  readonly self: string;
  /** Server names of all hubs by the operator's list. */
  readonly listed: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Returns when `signal` aborts. @param takeOut asks the cluster; returns why it does not, undefined when it did */
export async function watchDepartures(
  options: DepartureWatchOptions,
  signal: AbortSignal,
  takeOut: (peer: ClusterPeer) => Promise<string | undefined> = async (peer) => askAsKeeper(options, peer.id),
): Promise<void> {
  const { self, listed, hub, clock, log } = options;
  let said = '';
  for (;;) {
    await clock.sleepUntil((clock.monotonic() + LOOK_INTERVAL_MS) as Monotonic, signal);
    if (signal.aborted) return;
    const { departed, missing } = judgeDepartures(self, listed, await hub.peers());
    const [peer] = departed;
    // One at a time: the next look tells how many are left then.
    const isDue = peer !== undefined && missing.length === 0 && !signal.aborted;
    const refused = isDue ? await takeOut(peer) : undefined;
    if (isDue && refused === undefined)
      log.info('a hub that has left is counted no more', { event: 'hub.departed', hub: peer.name, id: peer.id });
    const waiting = missing.length === 0 ? '' : `${missing.join(', ')} not there`;
    const why = peer === undefined ? '' : (refused ?? waiting);
    if (why !== said && why !== '')
      log.warn('a hub that has left is still counted', { event: 'hub.departure.waiting', hub: peer?.name, why });
    said = why;
  }
}
