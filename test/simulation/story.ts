/** What happens in one simulation, drawn before it starts: plain data, so that a story can be kept, shortened and told again. */
import type { Topology } from './topology.ts';

/** Events with `forMs` end by themselves, or when the faults stop. */
export type Happening =
  | { readonly what: 'appear'; readonly address: number; readonly site: string }
  | { readonly what: 'vanish'; readonly address: number }
  | { readonly what: 'move'; readonly address: number; readonly site: string; readonly gapMs: number }
  | { readonly what: 'duplicate'; readonly address: number; readonly site: string; readonly forMs: number }
  /** The process dies at its `calls`-th call to the world from then on. Its disk keeps all that was written, its kernel goes on. */
  | { readonly what: 'crash'; readonly node: string; readonly calls: number; readonly downMs: number }
  /** The machine loses power: its disk keeps what was synced, its kernel forgets everything. */
  | { readonly what: 'power-cut'; readonly node: string; readonly downMs: number }
  | { readonly what: 'restart'; readonly node: string; readonly downMs: number }
  | { readonly what: 'partition'; readonly node: string; readonly forMs: number }
  | { readonly what: 'site-partition'; readonly site: string; readonly forMs: number }
  | { readonly what: 'one-way'; readonly node: string; readonly deaf: 'node' | 'hub'; readonly forMs: number }
  | { readonly what: 'slow-link'; readonly node: string; readonly latencyMs: number; readonly forMs: number }
  | { readonly what: 'lossy-heartbeats'; readonly loss: number; readonly forMs: number }
  | { readonly what: 'read-again'; readonly node: string }
  | { readonly what: 'hub-down'; readonly forMs: number }
  | { readonly what: 'hub-paused'; readonly forMs: number }
  /** So many of the last records of each log are gone when the hub comes back. */
  | { readonly what: 'hub-rolled-back'; readonly facts: number; readonly captures: number; readonly downMs: number }
  | { readonly what: 'hub-wiped'; readonly downMs: number }
  /** Writes are not answered: some are stored, some are not, some are stored late. */
  | { readonly what: 'ambiguous-writes'; readonly share: number; readonly forMs: number }
  /** A leader that was paused answers readers with an earlier end of the log. */
  | { readonly what: 'stale-hub-reads'; readonly forMs: number }
  | { readonly what: 'throttled'; readonly site: string; readonly share: number; readonly forMs: number }
  | { readonly what: 'lost-responses'; readonly site: string; readonly share: number; readonly forMs: number }
  | { readonly what: 'slow-cloud'; readonly site: string; readonly latencyMs: number; readonly forMs: number }
  /** A move is a removal and an addition, with time in between, and may end after the first half. */
  | { readonly what: 'half-moves'; readonly site: string; readonly share: number; readonly forMs: number }
  | { readonly what: 'stale-cloud-reads'; readonly site: string; readonly reads: number }
  /** Somebody takes an address off the router's NIC that has it, or has that NIC forward no more. */
  | {
      readonly what: 'nic-meddling';
      readonly site: string;
      readonly address: number;
      readonly kind: NicMeddling;
    }
  | { readonly what: 'kernel-meddling'; readonly node: string; readonly address: number; readonly kind: Meddling }
  /** The wall clock of the machine is wrong by `toMs` from then on. */
  | { readonly what: 'clock-jump'; readonly node: string; readonly toMs: number }
  /**
   * Both clocks of the machine run `ppm` millionths too fast from then on, or too slow where it is negative, until told otherwise: also when the
   * faults have stopped, and through power cuts.
   */
  | { readonly what: 'clock-drift'; readonly node: string; readonly ppm: number }
  /** An operator says by hand what a router of the site does not see. */
  | {
      readonly what: 'false-fact';
      readonly node: string;
      readonly address: number;
      readonly says: 'observed' | 'expired';
    }
  /** The pool document with a drain reaches the nodes within `rollOutMs`, in any order; each restarts for it. So does the one without. */
  | { readonly what: 'drain'; readonly node: string; readonly forMs: number; readonly rollOutMs: number }
  /** An operator orders it through whichever node answers, and takes it back. */
  | { readonly what: 'ordered-drain'; readonly node: string; readonly forMs: number }
  /** One node runs with another version of the pool's rules for a while. */
  | { readonly what: 'other-rules'; readonly node: string; readonly rules: Rules; readonly forMs: number }
  /** At a LAN whose master captures: its routers do not hear each other, keepalived dies on some or all, or tells its roles late. */
  | { readonly what: 'vrrp'; readonly site: string; readonly kind: VrrpTrouble; readonly forMs: number };

export const MEDDLINGS = ['route-deleted', 'address-configured'] as const;
export type Meddling = (typeof MEDDLINGS)[number];
export const NIC_MEDDLINGS = ['address-taken-off', 'forwarding-switched-off'] as const;
export type NicMeddling = (typeof NIC_MEDDLINGS)[number];
export const VRRP_TROUBLES = ['split', 'master-dies', 'all-die', 'slow-news'] as const;
export type VrrpTrouble = (typeof VRRP_TROUBLES)[number];
export const RULES = ['long-hold', 'no-hold', 'late-deprovision', 'swapped-priority'] as const;
export type Rules = (typeof RULES)[number];

export interface StoryEvent {
  /** Milliseconds after the fleet was started. */
  readonly at: number;
  readonly happens: Happening;
}

export interface Story {
  readonly seed: number;
  readonly topology: Topology;
  readonly events: readonly StoryEvent[];
  /** When the faults stop. */
  readonly calmAt: number;
}
