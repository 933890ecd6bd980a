/** The CaptureRegistry over a transport: appends records, and believes only what it reads back. */
import {
  foldCapture,
  type CaptureKey,
  type CaptureRecord,
  type CaptureTransition,
  type ClaimId,
  type Revision,
} from '@routerd/mobility';
import { durationMs, err, ok, type Monotonic, type Result } from '@routerd/resources';
import type { Log } from '@routerd/runtime';
import { CaptureLog, type ReadRecord } from './capture-log.ts';
import type { FederationConfig, FederationPorts, RandomBytes } from './federation-config.ts';
import { Listeners } from './listeners.ts';
import type { AppendOutcome, CaptureRegistry } from './ports.ts';
import type { Refusals } from './refusals.ts';
import { captureSubject } from './subjects.ts';
import type { LogMessage, LogReader, Transport } from './transport.ts';
import { encodeCapture, REASON_LENGTH_MAX } from './wire/capture-wire.ts';

const OPERATOR_MUST_KNOW: ReadonlySet<string> = new Set(['capture.regressed', 'capture.epoch-not-kept']);
const APPEND_DEADLINE = durationMs(5000);

export interface CaptureExchangeOptions {
  readonly config: FederationConfig;
  readonly ports: Pick<FederationPorts, 'clock' | 'highWaterStore'>;
  readonly log: Log;
  readonly random: RandomBytes;
  readonly transport: Pick<Transport, 'appendCapture' | 'captureTail'>;
  readonly refusals: Refusals;
  readonly trouble: (detail: string) => void;
}

interface Waiting {
  readonly record: CaptureRecord;
  readonly answer: (outcome: AppendOutcome) => void;
}

/**
 * 1. One append per key is under way at a time; those of different keys travel together.
 * 2. A record whose fate is unknown is looked for in the log before the same key is written again, so that at most one
 *    record of this node can stand behind the winner that it did not know of. Compaction relies on it.
 */
export class CaptureExchange implements CaptureRegistry, LogReader {
  readonly #options: CaptureExchangeOptions;
  readonly #log: CaptureLog;
  readonly #listeners = new Listeners<readonly CaptureKey[]>();
  readonly #turns = new Map<CaptureKey, Promise<AppendOutcome>>();
  readonly #waiting = new Map<ClaimId, Waiting>();
  /** Claims that were sent and not seen when their deadline came. */
  readonly #unsettled = new Map<CaptureKey, ClaimId>();
  /** Told whenever the log was read further, or reading began anew. */
  readonly #progress = new Listeners<undefined>();
  #isCurrent = false;

  constructor(options: CaptureExchangeOptions) {
    this.#options = options;
    const { config, ports, refusals, trouble } = options;
    this.#log = new CaptureLog({
      group: config.group,
      highWaterStore: ports.highWaterStore,
      refuse: (refusal) => {
        refusals.add(refusal);
        if (OPERATOR_MUST_KNOW.has(refusal.reason)) trouble(`${refusal.reason}: ${refusal.detail}`);
      },
    });
  }

  records(): ReadonlyMap<CaptureKey, CaptureRecord> {
    return this.#log.records();
  }

  /** Sequence of the last record read since reading began. */
  position(): number {
    return this.#log.position();
  }

  onChange(listener: (keys: readonly CaptureKey[]) => void): () => void {
    return this.#listeners.add(listener);
  }

  async append(transitions: readonly CaptureTransition[], signal: AbortSignal): Promise<readonly AppendOutcome[]> {
    const { clock } = this.#options.ports;
    const wait = this.#options.config.appendDeadline ?? APPEND_DEADLINE;
    const answered = new AbortController();
    const expired = new AbortController();
    const deadline = (clock.monotonic() + wait) as Monotonic;
    const timer = clock.sleepUntil(deadline, AbortSignal.any([answered.signal, signal])).then(() => expired.abort());
    const outcomes = await Promise.all(transitions.map(async (transition) => this.#inTurn(transition, expired.signal)));
    answered.abort();
    await timer;
    return outcomes;
  }

  disconnected(): void {
    this.#isCurrent = false;
  }

  restarted(): void {
    this.#isCurrent = false;
    this.#log.restarted();
  }

  received(batch: readonly LogMessage[]): void {
    const { changed, isRemembered, read } = this.#log.received(batch);
    if (changed.length > 0) this.#listeners.tell(changed);
    for (const one of read) this.#settle(one, isRemembered);
    this.#progress.tell(undefined);
  }

  caughtUp(): void {
    const { changed, isRemembered, claims } = this.#log.caughtUp();
    this.#isCurrent = true;
    if (changed.length > 0) this.#listeners.tell(changed);
    for (const { record, answer } of this.#waiting.values()) {
      if (!claims.has(record.claim)) continue;
      // History tells whether ours still stands. If another follows it, whether it ever stood no longer matters.
      const current = this.#log.records().get(record.key);
      if (current?.claim !== record.claim) answer({ kind: 'lost', current, because: 'another record stands' });
      else answer(wonIf(isRemembered, record));
    }
    for (const [key, claim] of this.#unsettled) if (claims.has(claim)) this.#unsettled.delete(key);
    this.#progress.tell(undefined);
  }

  #settle(one: ReadRecord, isRemembered: boolean): void {
    const { key, claim } = one.record;
    if (this.#unsettled.get(key) === claim) this.#unsettled.delete(key);
    const waiting = this.#waiting.get(claim);
    if (waiting === undefined) return;
    if (one.kind === 'accepted') waiting.answer(wonIf(isRemembered, one.record));
    else waiting.answer({ kind: 'lost', current: this.#log.records().get(key), because: one.because });
  }

  async #inTurn(transition: CaptureTransition, expired: AbortSignal): Promise<AppendOutcome> {
    const before = this.#turns.get(transition.key);
    const turn = (async () => {
      await before;
      return this.#appendOne(transition, expired);
    })();
    this.#turns.set(transition.key, turn);
    const outcome = await turn;
    if (this.#turns.get(transition.key) === turn) this.#turns.delete(transition.key);
    return outcome;
  }

  async #appendOne(transition: CaptureTransition, expired: AbortSignal): Promise<AppendOutcome> {
    await this.#until(() => this.#isCurrent, expired);
    if (!this.#isCurrent) return unreachable('not connected to a hub, or the log is not read to its end');
    const settled = await this.#settleEarlier(transition.key, expired);
    if (!settled.ok) return unreachable(settled.error);
    const current = this.#log.records().get(transition.key);
    const lost = this.#lostAlready(transition, current);
    if (lost !== undefined) return { kind: 'lost', current, because: lost };
    const record = this.#recordOf(transition, current);
    const folded = foldCapture(current, record);
    if (folded.kind === 'refused') return { kind: 'lost', current, because: folded.because };
    return this.#send(record, expired);
  }

  /** Every rule that the log would apply is applied before it is written to. */
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

  async #send(record: CaptureRecord, expired: AbortSignal): Promise<AppendOutcome> {
    const { config, transport, trouble } = this.#options;
    if (expired.aborted) return unreachable('the deadline passed before the record was sent');
    const { promise, resolve } = Promise.withResolvers<AppendOutcome>();
    this.#waiting.set(record.claim, { record, answer: resolve });
    const giveUp = (): void => {
      this.#unsettled.set(record.key, record.claim);
      resolve(unreachable(`${record.claim} was not seen in the log before the deadline`));
    };
    expired.addEventListener('abort', giveUp, { once: true });
    const message = {
      subject: captureSubject(config.group, config.self, record.key),
      id: record.claim,
      text: encodeCapture(record),
    };
    void transport.appendCapture(message).then((acknowledged) => {
      if (acknowledged.ok) return;
      const { code, detail } = acknowledged.error;
      // An unanswered record may still come back in the log; the two others cannot.
      if (code === 'transport.unanswered') return;
      if (code === 'transport.refused') trouble(`appending to the capture log: ${detail}`);
      resolve(unreachable(`${code}: ${detail}`));
    });
    const outcome = await promise;
    expired.removeEventListener('abort', giveUp);
    this.#waiting.delete(record.claim);
    return outcome;
  }

  /** Reads past the end that the log has now, so that an earlier record is either seen or not there. */
  async #settleEarlier(key: CaptureKey, expired: AbortSignal): Promise<Result<undefined, string>> {
    const claim = this.#unsettled.get(key);
    if (claim === undefined) return ok(undefined);
    const tail = await this.#options.transport.captureTail();
    if (!tail.ok) return err(`looking for the record ${claim}: ${tail.error.detail}`);
    const isRead = (): boolean => !this.#unsettled.has(key) || (this.#isCurrent && this.#log.position() >= tail.value);
    await this.#until(isRead, expired);
    if (!isRead()) return err(`the log was not read up to ${tail.value} before the deadline`);
    this.#unsettled.delete(key);
    return ok(undefined);
  }

  /** Resolves when the condition holds, looking after every step of the reader, or when time is up. */
  async #until(condition: () => boolean, expired: AbortSignal): Promise<void> {
    if (condition() || expired.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const give = (): void => resolve(undefined);
    const stop = this.#progress.add(() => {
      if (condition()) give();
    });
    expired.addEventListener('abort', give, { once: true });
    await promise;
    stop();
    expired.removeEventListener('abort', give);
  }
}

/** A tenure whose epoch this node could forget is none that it may act on; the record stands, and is found by the next look. */
function wonIf(isRemembered: boolean, record: CaptureRecord): AppendOutcome {
  return isRemembered ? { kind: 'won', record } : unreachable('the epoch could not be kept on this disk');
}

function unreachable(detail: string): AppendOutcome {
  return { kind: 'unreachable', detail };
}
