/** Leases, captures, moves and epochs in numbers. */
import {
  CAPTURE_PHASES,
  LEASE_STATUSES,
  type AddressLease,
  type CaptureKey,
  type CaptureRecord,
} from '@routerd/mobility';
import type { NodeName, SiteName } from '@routerd/resources';
import type { Federation } from '@routerd/federation';
import type { LeaseMemory } from '../lease-memory.ts';
import type { PoolState } from '../pool-state.ts';
import { countBy, single, type Family, type Metric } from './metric.ts';

type Label = 'pool' | 'status' | 'phase';

const metric = (kind: 'gauge' | 'counter', name: string, help: string, ...labels: Label[]): Metric<Label> => ({
  name: `routerd_mobility_${name}`,
  kind,
  help,
  labels,
});

const LEASES = metric('gauge', 'leases', 'Addresses by the state of their lease.', 'pool', 'status');
const MOVES = metric('counter', 'lease_moves_total', 'How often an address came to another site.', 'pool');
const CAPTURES = metric(
  'gauge',
  'captures',
  'Captures of all routers by the phase that stands in the log.',
  'pool',
  'phase',
);
const HELD = metric('gauge', 'captures_own', 'Captures of this router by phase.', 'pool', 'phase');
const CLAIMS = metric('gauge', 'claims', 'Addresses that this router delivers.', 'pool');
const EPOCH = metric('gauge', 'capture_epoch_max', 'The highest epoch of any capture.', 'pool');
const CHANGES = metric('counter', 'holder_changes_total', 'How often a capture was seen to change its holder.', 'pool');
const WAITING: Metric<never> = {
  name: 'routerd_mobility_waiting',
  kind: 'gauge',
  help: 'What must still be read before captures may change; 0 when ready.',
  labels: [],
};
const PROBLEMS: Metric<never> = {
  name: 'routerd_mobility_problems',
  kind: 'gauge',
  help: 'Parts of the configuration, leases and claims that are set aside; `routerctl status` names them.',
  labels: [],
};

export const MOBILITY_METRICS: readonly Metric[] = [
  LEASES,
  MOVES,
  CAPTURES,
  HELD,
  CLAIMS,
  EPOCH,
  CHANGES,
  WAITING,
  PROBLEMS,
];

export interface MobilityMeterPorts {
  readonly self: NodeName | undefined;
  readonly pools: readonly PoolState[];
  readonly registry: Federation['registry'];
  readonly moves: LeaseMoves;
  readonly waitingFor: () => readonly string[];
  readonly problems: () => number;
}

/** Stands before the memory of leases and counts those that come to another site. */
export class LeaseMoves implements LeaseMemory {
  readonly #inner: LeaseMemory;
  readonly #sites = new Map<string, SiteName>();
  readonly #moves = new Map<string, number>();

  constructor(inner: LeaseMemory) {
    this.#inner = inner;
  }

  loadLeases(): readonly AddressLease[] {
    const leases = this.#inner.loadLeases();
    for (const lease of leases) this.#sites.set(keyOf(lease), lease.site);
    return leases;
  }

  saveLeases(changed: readonly AddressLease[], gone: readonly AddressLease[]): void {
    for (const lease of changed) {
      const before = this.#sites.get(keyOf(lease));
      if (before !== undefined && before !== lease.site) this.#moves.set(lease.pool, this.of(lease.pool) + 1);
      this.#sites.set(keyOf(lease), lease.site);
    }
    for (const lease of gone) this.#sites.delete(keyOf(lease));
    this.#inner.saveLeases(changed, gone);
  }

  of(pool: string): number {
    return this.#moves.get(pool) ?? 0;
  }
}

function keyOf({ pool, address }: AddressLease): string {
  return `${pool} ${address}`;
}

export class MobilityMeter {
  readonly #ports: MobilityMeterPorts;
  readonly #holders = new Map<CaptureKey, NodeName | undefined>();
  readonly #changes = new Map<string, number>();

  constructor(ports: MobilityMeterPorts) {
    this.#ports = ports;
    ports.registry.onChange((keys) => this.#onRecords(keys));
  }

  families(): readonly Family[] {
    const { pools, self, moves, registry, waitingFor, problems } = this.#ports;
    const records = [...registry.records().values()];
    const each = (one: Metric<Label>, value: (pool: PoolState) => number): Family => ({
      metric: one,
      samples: pools.map((pool) => ({ labels: labelsOf(pool), value: value(pool) })),
    });
    const phases = (one: Metric<Label>, isMeant: (record: CaptureRecord) => boolean): Family =>
      perPool(one, pools, 'phase', CAPTURE_PHASES, ({ context }) =>
        countBy(
          records.filter((record) => record.pool === context.name && isMeant(record)),
          ({ phase }) => phase,
        ),
      );
    return [
      perPool(LEASES, pools, 'status', LEASE_STATUSES, (pool) => countBy(pool.leases(), ({ status }) => status)),
      each(MOVES, ({ context }) => moves.of(context.name)),
      phases(CAPTURES, () => true),
      phases(HELD, ({ holder }) => holder !== undefined && holder === self),
      each(CLAIMS, (pool) => [...pool.plans()].filter(({ claim }) => claim !== undefined).length),
      each(EPOCH, ({ context }) =>
        records.reduce((most, record) => (record.pool === context.name ? Math.max(most, record.epoch) : most), 0),
      ),
      each(CHANGES, ({ context }) => this.#changes.get(context.name) ?? 0),
      single(WAITING, waitingFor().length),
      single(PROBLEMS, problems()),
    ];
  }

  #onRecords(keys: readonly CaptureKey[]): void {
    const records = this.#ports.registry.records();
    for (const key of keys) {
      const record = records.get(key);
      if (record === undefined) continue;
      const isKnown = this.#holders.has(key);
      if (isKnown && this.#holders.get(key) !== record.holder)
        this.#changes.set(record.pool, (this.#changes.get(record.pool) ?? 0) + 1);
      this.#holders.set(key, record.holder);
    }
  }
}

function labelsOf({ context }: PoolState): Readonly<Record<string, string>> {
  return { pool: context.name };
}

function perPool(
  one: Metric<Label>,
  pools: readonly PoolState[],
  label: Label,
  members: readonly string[],
  counts: (pool: PoolState) => ReadonlyMap<string, number>,
): Family {
  const samples = pools.flatMap((pool) => {
    const counted = counts(pool);
    return members.map((member) => ({
      labels: { ...labelsOf(pool), [label]: member },
      value: counted.get(member) ?? 0,
    }));
  });
  return { metric: one, samples };
}
