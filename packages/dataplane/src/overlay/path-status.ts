/** What is known of the path to one overlay peer. */
import type { PathLoss } from './path-estimate.ts';

/**
 * `probing`: too little is known. `up`: answers come. `one-way`: none come, though the peer's own asks do, so what is sent from here
 * does not arrive there. `silent`: nothing comes at all. `unmeasured`: the configuration does not say whom to ask.
 */
export const PATH_PHASES = ['probing', 'up', 'one-way', 'silent', 'unmeasured'] as const;
export type PathPhase = (typeof PATH_PHASES)[number];

export interface PathStatus {
  readonly phase: PathPhase;
  /** Why it is not measured; undefined where it is. */
  readonly detail: string | undefined;
  /** Milliseconds; undefined before the first answer. */
  readonly rttMs: number | undefined;
  readonly jitterMs: number | undefined;
  readonly loss: PathLoss;
  /** Largest packet that passes, bytes with IP header; undefined while it is not known. That from the peer is what the peer says. */
  readonly mtuToPeer: number | undefined;
  readonly mtuFromPeer: number | undefined;
  readonly estimatedMtu: number | undefined;
  readonly counters: PathCounters;
}

/** Since the start of this process. For metrics: they only grow. */
export interface PathCounters {
  readonly asksSent: number;
  readonly answersHeard: number;
  readonly asksHeard: number;
  readonly answersSent: number;
  /** With IP and UDP headers, inside the tunnel. */
  readonly bytesSent: number;
  /** Asks of the peer above the rate that is answered. */
  readonly asksRefused: number;
}

export function unmeasuredPath(detail: string): PathStatus {
  const counters = { asksSent: 0, answersHeard: 0, asksHeard: 0, answersSent: 0, bytesSent: 0, asksRefused: 0 };
  const loss = { roundTrip: undefined, toPeer: undefined, fromPeer: undefined };
  const unknown = { rttMs: undefined, jitterMs: undefined, mtuToPeer: undefined, mtuFromPeer: undefined };
  return { phase: 'unmeasured', detail, ...unknown, loss, estimatedMtu: undefined, counters };
}
