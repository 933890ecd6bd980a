/** The fold of the capture log: what stands for each key, as far as the log was read. */
import {
  foldCapture,
  standingOf,
  type CaptureEpoch,
  type CaptureKey,
  type CaptureRecord,
  type ClaimId,
} from '@routerd/mobility';
import type { NodeName } from '@routerd/resources';
import { readByParsing, type ReadWire } from './federation-config.ts';
import type { HighWaterStore } from './ports.ts';
import { captureKeyToken, isOrderSubject, parseCaptureSubject, type GroupName } from './subjects.ts';
import type { LogMessage } from './transport.ts';
import type { Refusal } from './refusals.ts';
import { parseCapture } from './wire/capture-wire.ts';

/** What became of one record that was read live. */
export type ReadRecord =
  | { readonly kind: 'accepted'; readonly record: CaptureRecord }
  | { readonly kind: 'refused'; readonly record: CaptureRecord; readonly because: string };

export interface CaptureNews {
  readonly changed: readonly CaptureKey[];
  /** False when an epoch could not be remembered: then nothing that was read is to be acted on. */
  readonly isRemembered: boolean;
  /** In the order of the log; empty while it is being read again from its start. */
  readonly read: readonly ReadRecord[];
}

export interface CaptureLogOptions {
  readonly group: GroupName;
  readonly highWaterStore: HighWaterStore;
  readonly readWire?: ReadWire;
  readonly refuse: (refusal: Refusal) => void;
}

/**
 * The log is the truth, this is a reading of it. When reading begins anew (a connection, a gap) the whole fold is made anew beside
 * the old one and takes its place at the end: records that an old leader had shown and its successor never had disappear again.
 *
 * Live records go through `foldCapture`. While reading history another rule, `standingOf`, picks the same winner from what compaction left
 * over; that one is never dropped: see adapters/stream-limits.ts.
 */
export class CaptureLog {
  readonly #options: CaptureLogOptions;
  #current = new Map<CaptureKey, CaptureRecord>();
  /** What was read of each key since reading began anew, in the order of the log. */
  #rebuilding: Map<CaptureKey, CaptureRecord[]> | undefined;
  #seenWhileRebuilding = new Map<ClaimId, CaptureKey>();
  #position = 0;
  /** Sequence of the last record of each writer, since reading began. */
  readonly #lastOf = new Map<NodeName, number>();
  #highWater: Map<CaptureKey, CaptureEpoch>;

  constructor(options: CaptureLogOptions) {
    this.#options = options;
    this.#highWater = new Map(options.highWaterStore.all());
  }

  records(): ReadonlyMap<CaptureKey, CaptureRecord> {
    return this.#current;
  }

  highWaterOf(key: CaptureKey): CaptureEpoch | undefined {
    return this.#highWater.get(key);
  }

  /** Sequence of the last message read since reading began. */
  position(): number {
    return this.#position;
  }

  /** Sequence of the last record that another node than this wrote. */
  positionOfOthers(self: NodeName): number {
    let last = 0;
    for (const [writer, sequence] of this.#lastOf) if (writer !== self && sequence > last) last = sequence;
    return last;
  }

  restarted(): void {
    this.#lastOf.clear();
    this.#rebuilding = new Map();
    this.#seenWhileRebuilding = new Map();
    this.#position = 0;
  }

  received(batch: readonly LogMessage[]): CaptureNews {
    const read: ReadRecord[] = [];
    for (const message of batch) {
      this.#position = message.sequence;
      // Operators' orders stand in the same log and are read by themselves: see OrderExchange.
      if (isOrderSubject(this.#options.group, message.subject)) continue;
      const record = this.#parse(message);
      if (record === undefined) continue;
      if (this.#rebuilding !== undefined) this.#foldHistory(this.#rebuilding, record);
      else read.push(this.#fold(record));
    }
    const accepted = read.filter(({ kind }) => kind === 'accepted').map(({ record }) => record);
    const isRemembered = this.#remember(accepted);
    return { changed: [...new Set(accepted.map(({ key }) => key))], isRemembered, read };
  }

  /**
   * The end of the log was reached: the new reading takes the place of the old one.
   * @returns what differs between them, and which claims stood in the log, winners or not
   */
  caughtUp(): Omit<CaptureNews, 'read'> & { readonly claims: ReadonlyMap<string, CaptureKey> } {
    const rebuilt = this.#rebuilding === undefined ? this.#current : standingRecords(this.#rebuilding);
    const before = this.#current;
    this.#rebuilding = undefined;
    this.#current = rebuilt;
    const isRemembered = this.#remember([...rebuilt.values()]);
    this.#reportLost();
    const changed = [...new Set([...before.keys(), ...rebuilt.keys()])].filter(
      (key) => before.get(key)?.claim !== rebuilt.get(key)?.claim,
    );
    return { changed, isRemembered, claims: this.#seenWhileRebuilding };
  }

  #parse({ subject, data, sequence }: LogMessage): CaptureRecord | undefined {
    const { group, refuse, readWire = readByParsing } = this.#options;
    const spoken = parseCaptureSubject(group, subject);
    if (spoken === undefined) {
      refuse({ reason: 'capture.wrong-subject', source: 'unknown', detail: subject });
      return undefined;
    }
    const source: NodeName = spoken.writer;
    const parsed = readWire(data, parseCapture);
    if (!parsed.ok) {
      refuse({ reason: 'capture.malformed', source, detail: `${parsed.error.code}: ${parsed.error.detail}` });
      return undefined;
    }
    const record = parsed.value;
    this.#lastOf.set(source, sequence);
    if (record.writer !== source) {
      refuse({ reason: 'capture.wrong-writer', source, detail: `says it was written by ${record.writer}` });
      return undefined;
    }
    if (captureKeyToken(record.key) !== spoken.keyToken) {
      refuse({ reason: 'capture.wrong-subject', source, detail: `${record.key} on ${subject}` });
      return undefined;
    }
    return record;
  }

  #fold(record: CaptureRecord): ReadRecord {
    const folded = foldCapture(this.#current.get(record.key), record);
    if (folded.kind === 'refused') return { kind: 'refused', record, because: folded.because };
    const mark = this.#highWater.get(record.key) ?? 0;
    if (record.epoch < mark) this.#reportRegression(record, mark);
    this.#current.set(record.key, record);
    return { kind: 'accepted', record };
  }

  #foldHistory(history: Map<CaptureKey, CaptureRecord[]>, record: CaptureRecord): void {
    this.#seenWhileRebuilding.set(record.claim, record.key);
    const before = history.get(record.key);
    if (before === undefined) history.set(record.key, [record]);
    else before.push(record);
  }

  /** On disk before anybody is told: an epoch that this node has acted on must not be forgotten with the hub's disk. */
  #remember(records: readonly CaptureRecord[]): boolean {
    const raised = new Map<CaptureKey, CaptureEpoch>();
    for (const { key, epoch } of records) {
      if (epoch > Math.max(this.#highWater.get(key) ?? 0, raised.get(key) ?? 0)) raised.set(key, epoch);
    }
    if (raised.size === 0) return true;
    try {
      this.#options.highWaterStore.raise([...raised].map(([key, epoch]) => ({ key, epoch })));
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      this.#options.refuse({ reason: 'capture.epoch-not-kept', source: 'disk', detail });
      return false;
    }
    for (const [key, epoch] of raised) this.#highWater.set(key, epoch);
    return true;
  }

  /** The whole log was read, so a key of which it says less than this node has seen lost records. */
  #reportLost(): void {
    for (const [key, mark] of this.#highWater) {
      const record = this.#current.get(key);
      if (record === undefined) {
        const detail = `the log has no record of ${key}, of which epoch ${mark} was seen`;
        this.#options.refuse({ reason: 'capture.regressed', source: 'hub', detail });
      } else if (record.epoch < mark) {
        this.#reportRegression(record, mark);
      }
    }
  }

  #reportRegression(record: CaptureRecord, mark: number): void {
    const detail = `epoch ${record.epoch} of ${record.key} is below ${mark}, which was seen before`;
    this.#options.refuse({ reason: 'capture.regressed', source: record.writer, detail });
  }
}

function standingRecords(history: ReadonlyMap<CaptureKey, readonly CaptureRecord[]>): Map<CaptureKey, CaptureRecord> {
  const standing = new Map<CaptureKey, CaptureRecord>();
  for (const [key, records] of history) {
    const record = standingOf(records);
    if (record !== undefined) standing.set(key, record);
  }
  return standing;
}
