/** A sign of life: core NATS, never stored, proven by the subject it came on. */
import { canonicalJson } from '@routerd/config';
import type { NodeName, Result } from '@routerd/resources';
import { z } from 'zod';
import { parseWire, type WireFault } from './bounded-json.ts';
import { counter, nodeName, uniqueId } from './scalars.ts';

export interface Heartbeat {
  readonly node: NodeName;
  /** Unique per start of the node's federation, so that a restart is told from a late message. */
  readonly start: string;
  /** Counts the heartbeats of one start; first is 1. */
  readonly sequence: number;
}

const schema = z.strictObject({ node: nodeName, start: uniqueId, sequence: counter });

export function encodeHeartbeat({ node, start, sequence }: Heartbeat): string {
  return canonicalJson({ node, start, sequence });
}

export function parseHeartbeat(data: Uint8Array): Result<Heartbeat, WireFault> {
  return parseWire(data, schema);
}
