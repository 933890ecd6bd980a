/** The CaptureRegistry over a transport: appends records, and believes only what it reads back. */
import {
  foldCapture,
  type CaptureKey,
  type CaptureRecord,
  type CaptureTransition,
  type ClaimId,
  type Revision,
} from '@routerd/mobility';
import { durationMs } from '@routerd/resources';
import type { Log } from '@routerd/runtime';
import { CaptureLog, type ReadRecord } from './capture-log.ts';
import { readByParsing, type FederationConfig, type FederationPorts, type RandomBytes } from './federation-config.ts';
import { Listeners } from './listeners.ts';
import type { AppendOutcome, CaptureRegistry } from './ports.ts';
import { PendingAppends, unreachable, type Prepared } from './pending-appends.ts';
import type { Refusals } from './refusals.ts';
import { captureSubject } from './subjects.ts';
import type { LogMessage, LogReader, Transport } from './transport.ts';
import { encodeCapture, REASON_LENGTH_MAX } from './wire/capture-wire.ts';
import type { Trouble } from './troubles.ts';

const OPERATOR_MUST_KNOW: ReadonlySet<string> = new Set(['capture.regressed', 'capture.epoch-not-kept']);
const APPEND_DEADLINE = durationMs(5000);

export interface CaptureExchangeOptions {
  readonly config: FederationConfig;
  readonly ports: Pick<FederationPorts, 'clock' | 'highWaterStore' | 'readWire'>;
  readonly log: Log;
  readonly random: RandomBytes;
  readonly transport: Pick<Transport, 'appendCapture' | 'captureTail'>;
  readonly refusals: Refusals;
  /** With what the log says, and with appending to it. */
  readonly trouble: Trouble;
  readonly appendTrouble: Trouble;
}

/** Appends what a planner wishes, if the log would accept it; see {@link PendingAppends} for what holds of each append. */
export class CaptureExchange implements CaptureRegistry, LogReader {
  readonly #options: CaptureExchangeOptions;
  readonly #log: CaptureLog;
  readonly #listeners = new Listeners<readonly CaptureKey[]>();
  readonly #appends: PendingAppends<CaptureKey, AppendOutcome>;
  /** Nothing that an operator must know of was found since reading began. */
  #isReadSound = true;

  constructor(options: CaptureExchangeOptions) {
    this.#options = options;
    const { config, ports, transport, refusals, trouble, appendTrouble } = options;
    this.#log = new CaptureLog({
      group: config.group,
      highWaterStore: ports.highWaterStore,
      readWire: ports.readWire ?? readByParsing,
      refuse: (refusal) => {
        refusals.add(refusal);
        if (!OPERATOR_MUST_KNOW.has(refusal.reason)) return;
        this.#isReadSound = false;
        trouble(`${refusal.reason}: ${refusal.detail}`);
      },
    });
    const deadline = config.appendDeadline ?? APPEND_DEADLINE;
    const position = (): number => this.#log.position();
    this.#appends = new PendingAppends({ clock: ports.clock, deadline, transport, trouble: appendTrouble, position });
  }

  records(): ReadonlyMap<CaptureKey, CaptureRecord> {
    return this.#log.records();
  }

  /** Sequence of the last record read since reading began. */
  position(): number {
    return this.#log.position();
  }

  /** As {@link position}, of what others wrote: this node's own records are no news of the world. */
  positionOfOthers(): number {
    return this.#log.positionOfOthers(this.#options.config.self);
  }

  onChange(listener: (keys: readonly CaptureKey[]) => void): () => void {
    return this.#listeners.add(listener);
  }

  async append(transitions: readonly CaptureTransition[], signal: AbortSignal): Promise<readonly AppendOutcome[]> {
    const entries = transitions.map((transition) => ({
      key: transition.key,
      prepare: () => this.#prepare(transition),
    }));
    return this.#appends.append(entries, signal);
  }

  disconnected(): void {
    this.#appends.interrupted();
  }

  restarted(): void {
    this.#isReadSound = true;
    this.#appends.interrupted();
    this.#log.restarted();
  }

  received(batch: readonly LogMessage[]): void {
    const { changed, isRemembered, read } = this.#log.received(batch);
    if (changed.length > 0) this.#listeners.tell(changed);
    for (const one of read) this.#settle(one, isRemembered);
    this.#appends.advanced();
  }

  caughtUp(): void {
    const { changed, isRemembered, claims } = this.#log.caughtUp();
    if (this.#isReadSound) this.#options.trouble(undefined);
    if (changed.length > 0) this.#listeners.tell(changed);
    const standing = new Map<string, CaptureRecord>(
      [...this.#log.records().values()].map((record) => [record.claim, record]),
    );
    for (const claim of this.#appends.waiting()) {
      const seen = claims.get(claim);
      if (seen === undefined) continue;
      // History tells whether ours still stands. If another follows it, whether it ever stood no longer matters.
      const record = standing.get(claim);
      const current = this.#log.records().get(seen);
      const lost = { kind: 'lost', current, because: 'another record stands' } as const;
      this.#appends.settle(seen, claim, record === undefined ? lost : wonIf(isRemembered, record));
    }
    this.#appends.caughtUp(new Set(claims.keys()));
  }

  #settle(one: ReadRecord, isRemembered: boolean): void {
    const { key, claim } = one.record;
    const outcome: AppendOutcome =
      one.kind === 'accepted'
        ? wonIf(isRemembered, one.record)
        : { kind: 'lost', current: this.#log.records().get(key), because: one.because };
    // What this node won has overtaken what the log had lost.
    if (outcome.kind === 'won' && one.record.writer === this.#options.config.self) this.#options.trouble(undefined);
    this.#appends.settle(key, claim, outcome);
  }

  /** Every rule that the log would apply is applied before it is written to. */
  #prepare(transition: CaptureTransition): Prepared<AppendOutcome> {
    const { config } = this.#options;
    const current = this.#log.records().get(transition.key);
    const lost = this.#lostAlready(transition, current);
    if (lost !== undefined) return { kind: 'answered', outcome: { kind: 'lost', current, because: lost } };
    const record = this.#recordOf(transition, current);
    const folded = foldCapture(current, record);
    if (folded.kind === 'refused')
      return { kind: 'answered', outcome: { kind: 'lost', current, because: folded.because } };
    const subject = captureSubject(config.group, config.self, record.key);
    return { kind: 'write', message: { subject, id: record.claim, text: encodeCapture(record) } };
  }

  #lostAlready({ key, basedOn, epoch }: CaptureTransition, current: CaptureRecord | undefined): string | undefined {
    const stands = current?.revision ?? 0;
    if (stands !== basedOn) return `based on revision ${basedOn}, but ${stands} stands`;
    const mark = this.#log.highWaterOf(key) ?? 0;
    return epoch < mark ? `epoch ${epoch} is below the high-water mark ${mark}` : undefined;
  }

  #recordOf(transition: CaptureTransition, current: CaptureRecord | undefined): CaptureRecord {
    const { config, ports, random } = this.#options;
    const { basedOn, ...rest } = transition;
    const isSameTenure = current !== undefined && current.epoch === transition.epoch;
    return {
      ...rest,
      revision: (basedOn + 1) as Revision,
      writer: config.self,
      claim: Buffer.from(random(16)).toString('hex') as ClaimId,
      since: isSameTenure ? current.since : ports.clock.now(),
      reason: transition.reason.slice(0, REASON_LENGTH_MAX),
    };
  }
}

/** A tenure whose epoch this node could forget is none that it may act on; the record stands, and is found by the next look. */
function wonIf(isRemembered: boolean, record: CaptureRecord): AppendOutcome {
  return isRemembered ? { kind: 'won', record } : unreachable('the epoch could not be kept on this disk');
}
