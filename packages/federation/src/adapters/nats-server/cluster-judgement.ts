/** Which servers of a cluster have left the group for good, and whether the cluster can do without them. Pure. */

/** Another server of the cluster, as the one that leads it sees it. */
export interface ClusterPeer {
  /** Its server name; words of the server's own when it was not heard since the leader started. */
  readonly name: string;
  /** By which the cluster counts it, whatever is known of its name. */
  readonly id: string;
  /** Is there, and has what was decided. */
  readonly isCurrent: boolean;
  /** Since it was last heard. */
  readonly silentMs: number;
}

export interface Departures {
  /** What the cluster counts and the operator's list does not, and is silent. */
  readonly departed: readonly ClusterPeer[];
  /** Hubs of the list that are not there: as long as one is missing nobody is taken out, since the rest would be fewer than it seems. */
  readonly missing: readonly string[];
}

/** Longer than a hub that just joined needs to be told of to all: it is heard, and not in the list yet. */
const SILENT_MS_MIN = 10_000;

/**
 * @param listed names of the hubs by the operator's list, this one among them
 * @param peers all others that the cluster counts; none where this hub does not lead it
 */
export function judgeDepartures(self: string, listed: readonly string[], peers: readonly ClusterPeer[]): Departures {
  const there = new Set(peers.filter(({ isCurrent }) => isCurrent).map(({ name }) => name));
  const departed = peers.filter(
    ({ name, isCurrent, silentMs }) => !listed.includes(name) && !isCurrent && silentMs >= SILENT_MS_MIN,
  );
  return { departed, missing: listed.filter((name) => name !== self && !there.has(name)) };
}
