/**
 * A hub that the operator took out of his list is still counted by the cluster, and the streams still wait for its copies. The hub that leads the
 * cluster takes it out; the server then puts the copies of each stream that it had at another hub.
 *
 * Only one that is silent, and only while every hub of the list is there: then a majority stays a majority at every moment.
 */
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { z } from 'zod';
import type { HubConfig } from '../../federation-config.ts';
import { connectHub, describe } from '../nats/connect-hub.ts';
import { judgeDepartures, type ClusterPeer } from './cluster-judgement.ts';
import type { ManagedHub } from './managed-hub.ts';

const LOOK_INTERVAL_MS = 2000;
const ANSWER_MS_MAX = 10_000;
const KEEPER = { name: 'routerd keeper', inboxPrefix: '_INBOX_KEEPER' } as const;

export interface DepartureWatchOptions extends HubConfig {
  readonly hub: Pick<ManagedHub, 'peers' | 'keeperSeed'>;
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
  takeOut: (peer: ClusterPeer) => Promise<string | undefined> = async (peer) => askCluster(options, peer),
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

const answer = z.object({
  success: z.boolean().default(false),
  error: z.object({ description: z.string() }).optional(),
});

/** Through this hub's own server: no other lets the key in. */
async function askCluster(options: DepartureWatchOptions, { id }: ClusterPeer): Promise<string | undefined> {
  const connected = await connectHub({ ...options, ...KEEPER, seed: options.hub.keeperSeed });
  if (!connected.ok) return connected.error.detail;
  const { connection } = connected.value;
  try {
    // By its id: what its name was the cluster has forgotten if it was started again since. 2.9.10 knows both.
    const request = JSON.stringify({ peer_id: id });
    const told = await connection.request('$JS.API.SERVER.REMOVE', request, { timeout: ANSWER_MS_MAX });
    const { success, error } = answer.parse(told.json());
    return success ? undefined : (error?.description ?? 'refused');
  } catch (cause) {
    return describe(cause);
  } finally {
    await connection.close();
  }
}
