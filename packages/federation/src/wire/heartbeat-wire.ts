/** A sign of life: core NATS, never stored, proven by the subject it came on. */
import { canonicalJson } from '@routerd/config';
import { formatInstant, ok, type Instant, type NodeName, type PoolName, type Result } from '@routerd/resources';
import { z } from 'zod';
import { parseWire, type WireFault } from './bounded-json.ts';
import { counter, nodeName, poolName, time, uniqueId } from './scalars.ts';

export interface Heartbeat {
  readonly node: NodeName;
  /** Unique per start of the node's federation, so that a restart is told from a late message. */
  readonly start: string;
  /** Counts the heartbeats of one start; first is 1. */
  readonly sequence: number;
  /** What the node says of itself; a node of an earlier version says nothing. */
  readonly about?: SelfReport | undefined;
}

export interface SelfReport {
  /** The sender's clock when it sent. */
  readonly time: Instant;
  /** How far it has read the two logs, in their sequences; 0 before anything. */
  readonly factsRead: number;
  readonly capturesRead: number;
  /** Digest of each of its pools. */
  readonly pools: ReadonlyMap<PoolName, string>;
  /** Pools whose document, as this node has it, takes this node out of service. */
  readonly drains: ReadonlySet<PoolName>;
}

/** More would not fit into a message beside the rest; a node of more pools tells of the first in the order of their names. */
export const POOLS_TOLD_MAX = 64;

const position = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const schema = z.strictObject({
  node: nodeName,
  start: uniqueId,
  sequence: counter,
  about: z
    .strictObject({
      time,
      factsRead: position,
      capturesRead: position,
      pools: z.array(z.tuple([poolName, z.string().regex(/^[0-9a-f]{1,64}$/)])).max(POOLS_TOLD_MAX),
      drains: z.array(poolName).max(POOLS_TOLD_MAX).optional(),
    })
    .optional(),
});

export function encodeHeartbeat({ node, start, sequence, about }: Heartbeat): string {
  return canonicalJson({ node, start, sequence, ...(about === undefined ? {} : { about: aboutOf(about) }) });
}

/** `drains` travels only where there is one. */
function aboutOf({ time: at, factsRead, capturesRead, pools, drains }: SelfReport) {
  const told = [...pools].toSorted(([a], [b]) => (a < b ? -1 : 1)).slice(0, POOLS_TOLD_MAX);
  const drained = [...drains].toSorted().slice(0, POOLS_TOLD_MAX);
  const report = { time: formatInstant(at), factsRead, capturesRead, pools: told };
  return drained.length === 0 ? report : { ...report, drains: drained };
}

export function parseHeartbeat(data: Uint8Array): Result<Heartbeat, WireFault> {
  const parsed = parseWire(data, schema);
  if (!parsed.ok) return parsed;
  const { about, ...rest } = parsed.value;
  if (about === undefined) return ok(rest);
  return ok({ ...rest, about: { ...about, pools: new Map(about.pools), drains: new Set(about.drains) } });
}
