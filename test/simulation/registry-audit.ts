/** The capture log as the hub itself would read it: an observer that belongs to no node, so that no node's mistake hides from it. */
import type { LogMessage } from '@routerd/federation/internal';
import { captureKeyOf, foldCapture, type CaptureKey, type CaptureRecord } from '@routerd/mobility';
import { z } from 'zod';

interface Accepted {
  readonly record: CaptureRecord;
  readonly sequence: number;
  /** Milliseconds of the simulation. */
  readonly at: number;
}

// The wire's own parser is part of what is simulated; this one only reads what it needs.
const wire = z.looseObject({
  key: z.string(),
  pool: z.string(),
  address: z.string(),
  domain: z.string(),
  revision: z.number(),
  epoch: z.number(),
  holder: z.string().nullable(),
  phase: z.enum(['acquiring', 'confirmed', 'held', 'releasing', 'vacant']),
  previous: z.string().nullable(),
  writer: z.string(),
  claim: z.string(),
  reason: z.string(),
});

export class RegistryAudit {
  readonly #current = new Map<CaptureKey, CaptureRecord>();
  #accepted: Accepted[] = [];
  /** Winning records of each writer in each epoch of a key, whether or not they were lost later: when they won. */
  readonly #wins = new Map<string, number>();
  readonly #firstWins = new Map<string, number>();
  readonly #tenures = new Map<CaptureKey, number>();
  #moves = 0;
  /** When the hub lost captures, milliseconds of the simulation. */
  readonly losses: number[] = [];

  /** @returns the record, when it stands; undefined when it lost */
  stored(message: LogMessage, at: number): CaptureRecord | undefined {
    // Operators' orders stand in the same log.
    if (message.subject.includes('.orders.')) return undefined;
    const record = recordOf(message);
    const before = this.#current.get(record.key);
    if (foldCapture(before, record).kind === 'refused') return undefined;
    this.#accepted.push({ record, sequence: message.sequence, at });
    this.#current.set(record.key, record);
    this.#wins.set(winKey(record.key, record.epoch, record.writer), at);
    const epochKey = `${record.key} ${record.epoch}`;
    if (!this.#firstWins.has(epochKey)) this.#firstWins.set(epochKey, at);
    if (before?.epoch !== record.epoch) {
      this.#tenures.set(record.key, this.tenures(record.key) + 1);
      this.#moves += 1;
    }
    return record;
  }

  lost(lastKept: number, at: number): void {
    this.losses.push(at);
    this.#accepted = this.#accepted.filter(({ sequence }) => sequence <= lastKept);
    this.#current.clear();
    for (const { record } of this.#accepted) this.#current.set(record.key, record);
  }

  /** When a record of this writer in this epoch last won, milliseconds of the simulation. */
  lastWin(key: CaptureKey, epoch: number, writer: string): number | undefined {
    return this.#wins.get(winKey(key, epoch, writer));
  }

  /** When an epoch of a key was first claimed, by whomever. */
  firstWinOf(key: CaptureKey, epoch: number): number | undefined {
    return this.#firstWins.get(`${key} ${epoch}`);
  }

  /** How often the epoch of any key was raised. */
  moves(): number {
    return this.#moves;
  }

  /** How often a key's epoch was raised. */
  tenures(key: CaptureKey): number {
    return this.#tenures.get(key) ?? 0;
  }

  allTenures(): ReadonlyMap<CaptureKey, number> {
    return this.#tenures;
  }
}

function winKey(key: CaptureKey, epoch: number, writer: string): string {
  return `${key} ${epoch} ${writer}`;
}

function recordOf({ data }: LogMessage): CaptureRecord {
  const { holder, previous, ...rest } = wire.parse(JSON.parse(new TextDecoder().decode(data)));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this is the parser; brands are its to give
  const record = {
    ...rest,
    holder: holder ?? undefined,
    previous: previous ?? undefined,
    since: 0,
  } as unknown as CaptureRecord;
  return { ...record, key: captureKeyOf(record.pool, record.address, record.domain) };
}
