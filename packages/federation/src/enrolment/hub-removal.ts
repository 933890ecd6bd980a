/** Whether a group can do without one of its hubs. Pure. */
import { err, ok, type Result } from '@routerd/resources';

/** What the hubs that would stay answer. */
export interface HubSurvey {
  /** Of each that does not answer, why. */
  readonly silent: readonly string[];
  /** Each stream of the group that was found. */
  readonly streams: readonly {
    readonly name: string;
    /** By how many hubs it is kept. */
    readonly replicas: number;
    /** Names of those that keep it; none where a hub stands alone, and without the leader where the cluster has none. */
    readonly keepers: readonly string[];
    /** A majority of those that keep it has a leader; undefined where the hub stands alone. */
    readonly leader: string | undefined;
    readonly isClustered: boolean;
  }[];
}

export interface HubRemovalFault {
  readonly code: 'material.last-hub' | 'material.too-few-hubs' | 'material.hubs-silent' | 'material.no-majority';
  readonly detail: string;
}

/** @param stays names of the other hubs; there is one at least. */
export function judgeHubRemoval(
  leaver: string,
  stays: readonly string[],
  { silent, streams }: HubSurvey,
): Result<void, HubRemovalFault> {
  if (silent.length > 0) {
    const detail = `every hub that stays has to run before ${leaver} leaves: ${silent.join('; ')}`;
    return err({ code: 'material.hubs-silent', detail });
  }
  const torn = streams.find(({ isClustered, leader }) => isClustered && leader === undefined);
  if (torn !== undefined || streams.length === 0) {
    const detail = `the hubs cannot decide anything now (${torn === undefined ? 'none tells of a stream' : `${torn.name} has no leader`}): bring back a hub under its own name first, on another machine with a token of "rotate" if need be`;
    return err({ code: 'material.no-majority', detail });
  }
  if (stays.length >= 3) return ok(undefined);
  // What was added by mistake, or never came, may go again; the streams are not on it.
  const neverCounted = streams.every(
    ({ replicas, keepers, isClustered }) =>
      replicas < 3 && !keepers.includes(leaver) && (stays.length === 2 || !isClustered),
  );
  if (neverCounted) return ok(undefined);
  const [left, why] =
    stays.length === 1
      ? ['one hub would stay', 'cannot take the streams back for itself']
      : ['two hubs would stay', 'have no majority when one of them is lost'];
  const detail = `${left}, which ${why}: add another first (add-node NAME --hub ADDRESS:PORT), or bring ${leaver} back under its name, on another machine if need be (rotate ${leaver})`;
  return err({ code: 'material.too-few-hubs', detail });
}
