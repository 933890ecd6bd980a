/**
 * The measurement of one path: what to send when, and what came of it. Time and chance are arguments; sending is the caller's.
 *
 * 1. Nothing is believed but answers that repeat a token of ours. An ask is answered and counted, and otherwise believed nothing.
 * 2. One sample a second. One size at a time, and only while samples are answered: on a dead path no size can be judged.
 * 3. Asks are answered at a bounded rate, with no more bytes than they had.
 */
import type { OverlayPath } from '../lower/overlay-paths.ts';
import { EMPTY_ESTIMATE, lossOf, lostInARow, withAnswer, withLoss, type PathEstimate } from './path-estimate.ts';
import {
  encodePathMessage,
  IP_UDP_BYTES,
  MESSAGE_BYTES,
  type Answer,
  type Ask,
  type AskPurpose,
} from './path-message.ts';
import { sizeToTry, startMtuSearch, withSizeAnswered, withSizeUnanswered, type MtuSearch } from './path-mtu-search.ts';
import type { PathCounters, PathPhase, PathStatus } from './path-status.ts';

export const SAMPLE_EVERY_MS = 1000;
/** An answer that takes longer than four round trips, and longer than this, is none. */
const LAPSE_MS_MIN = 250;
const LAPSE_MS_MAX = 3000;
const LAPSE_ROUND_TRIPS = 4;
/** This many samples lost in a row end a path; one is weather. */
const LOST_MAX = 3;
const ANSWERS_PER_SECOND_MAX = 20;
/** Peers whose asks came within this time send to here. */
const HEARD_WITHIN_MS = LOST_MAX * SAMPLE_EVERY_MS + LAPSE_MS_MAX;

export interface SessionChance {
  /** 16 hexadecimal digits that nobody can guess. */
  readonly token: () => string;
  /** Of this start, 32 bits. */
  readonly session: number;
  /** Of the interval, evenly between 0 and 1: paths are not asked all at once. */
  readonly phase: number;
}

interface Open {
  readonly sequence: number;
  readonly sentAt: number;
  readonly lapsesAt: number;
  readonly packetBytes: number;
}

/** Samples of one session of the peer that arrived here. */
interface Count {
  readonly session: number;
  readonly samples: number;
}

export class PathSession {
  readonly path: OverlayPath;
  readonly #send: (payload: Uint8Array) => void;
  readonly #chance: SessionChance;
  readonly #samples = new Map<string, Open>();
  #size: (Open & { readonly token: string }) | undefined;
  #estimate: PathEstimate = EMPTY_ESTIMATE;
  #search: MtuSearch;
  #nextSampleAt: number;
  #sequence = 0;
  #received: Count = { session: 0, samples: 0 };
  #lastHeardAt: number | undefined;
  #mtuFromPeer: number | undefined;
  #answersLeft = ANSWERS_PER_SECOND_MAX;
  #refilledAt: number;
  #counters: PathCounters = {
    asksSent: 0,
    answersHeard: 0,
    asksHeard: 0,
    answersSent: 0,
    bytesSent: 0,
    asksRefused: 0,
  };

  constructor(path: OverlayPath, chance: SessionChance, now: number, send: (payload: Uint8Array) => void) {
    this.path = path;
    this.#chance = chance;
    this.#send = send;
    this.#search = startMtuSearch(path.deviceMtu, now);
    this.#nextSampleAt = now + chance.phase * SAMPLE_EVERY_MS;
    this.#refilledAt = now;
  }

  /** When time alone makes something due, monotonic milliseconds. */
  dueAt(): number {
    const lapses = [...this.#samples.values(), ...(this.#size === undefined ? [] : [this.#size])].map(
      ({ lapsesAt }) => lapsesAt,
    );
    return Math.min(this.#nextSampleAt, ...lapses, ...(this.#maySize() ? [this.#search.nextAt] : []));
  }

  /** Does what is due. */
  onTime(now: number): void {
    for (const [token, open] of this.#samples) {
      if (open.lapsesAt > now) continue;
      this.#samples.delete(token);
      this.#estimate = withLoss(this.#estimate, open.sequence);
    }
    if (this.#size !== undefined && this.#size.lapsesAt <= now) {
      const { packetBytes } = this.#size;
      this.#size = undefined;
      if (this.#isAnswered())
        this.#search = withSizeUnanswered(this.#search, packetBytes, lossOf(this.#estimate).roundTrip ?? 0, now);
    }
    if (this.#nextSampleAt <= now) {
      this.#sequence += 1;
      this.#samples.set(this.#ask('sample', this.#sequence, 0), this.#opened(0, now));
      this.#nextSampleAt = Math.max(this.#nextSampleAt + SAMPLE_EVERY_MS, now);
    }
    if (this.#maySize() && this.#search.nextAt <= now) {
      const size = sizeToTry(this.#search);
      this.#size = { ...this.#opened(size, now), token: this.#ask('size', 0, size) };
    }
  }

  onAsk(ask: Ask, askBytes: number, now: number): void {
    this.#lastHeardAt = now;
    this.#count({ asksHeard: 1 });
    if (ask.purpose === 'sample') {
      const { session, samples } = this.#received;
      this.#received = { session: ask.session, samples: session === ask.session ? samples + 1 : 1 };
    }
    if (!this.#mayAnswer(now)) return this.#count({ asksRefused: 1 });
    const { purpose, sequence, token } = ask;
    this.#transmit({
      kind: 'answer',
      purpose,
      sequence,
      token,
      samplesReceived: this.#received.samples,
      askBytes,
      pathMtu: this.#search.passes,
    });
    this.#count({ answersSent: 1 });
  }

  onAnswer(answer: Answer, now: number): void {
    if (answer.purpose === 'size') return this.#onSizeAnswer(answer, now);
    const open = this.#samples.get(answer.token);
    if (open === undefined || open.sequence !== answer.sequence) return;
    this.#samples.delete(answer.token);
    this.#heard(answer, now);
    this.#estimate = withAnswer(this.#estimate, {
      sequence: open.sequence,
      rttMs: now - open.sentAt,
      receivedThere: answer.samplesReceived,
    });
  }

  status(now: number): PathStatus {
    const phase = this.#phase(now);
    const { rttMs, jitterMs } = this.#estimate;
    return {
      phase,
      detail: undefined,
      rttMs,
      jitterMs: rttMs === undefined ? undefined : jitterMs,
      loss: lossOf(this.#estimate),
      mtuToPeer: this.#search.passes,
      mtuFromPeer: this.#mtuFromPeer,
      estimatedMtu: this.path.estimatedMtu,
      counters: this.#counters,
    };
  }

  #phase(now: number): PathPhase {
    const { window } = this.#estimate;
    if (this.#isAnswered()) return 'up';
    if (window.length < LOST_MAX) return 'probing';
    return this.#lastHeardAt !== undefined && now - this.#lastHeardAt <= HEARD_WITHIN_MS ? 'one-way' : 'silent';
  }

  #isAnswered(): boolean {
    return this.#estimate.rttMs !== undefined && lostInARow(this.#estimate) < LOST_MAX;
  }

  #maySize(): boolean {
    return this.#size === undefined && this.#isAnswered() && lostInARow(this.#estimate) === 0;
  }

  #onSizeAnswer(answer: Answer, now: number): void {
    const size = this.#size;
    if (size === undefined || size.token !== answer.token || answer.askBytes !== size.packetBytes) return;
    this.#size = undefined;
    this.#heard(answer, now);
    this.#search = withSizeAnswered(this.#search, size.packetBytes, now);
  }

  #heard({ pathMtu }: Answer, now: number): void {
    this.#lastHeardAt = now;
    this.#mtuFromPeer = pathMtu;
    this.#count({ answersHeard: 1 });
  }

  #ask(purpose: AskPurpose, sequence: number, packetBytes: number): string {
    const token = this.#chance.token();
    const { session } = this.#chance;
    this.#transmit({ kind: 'ask', purpose, sequence, token, session, pathMtu: this.#search.passes }, packetBytes);
    this.#count({ asksSent: 1 });
    return token;
  }

  #opened(packetBytes: number, now: number): Open {
    const wait = (this.#estimate.rttMs ?? LAPSE_MS_MAX) * LAPSE_ROUND_TRIPS;
    const lapsesAt = now + Math.min(LAPSE_MS_MAX, Math.max(LAPSE_MS_MIN, wait));
    return { sequence: this.#sequence, sentAt: now, lapsesAt, packetBytes };
  }

  #transmit(message: Ask | Answer, packetBytes = 0): void {
    this.#count({ bytesSent: Math.max(packetBytes, MESSAGE_BYTES + IP_UDP_BYTES) });
    this.#send(encodePathMessage(message, packetBytes));
  }

  #mayAnswer(now: number): boolean {
    this.#answersLeft = Math.min(
      ANSWERS_PER_SECOND_MAX,
      this.#answersLeft + ((now - this.#refilledAt) / 1000) * ANSWERS_PER_SECOND_MAX,
    );
    this.#refilledAt = now;
    if (this.#answersLeft < 1) return false;
    this.#answersLeft -= 1;
    return true;
  }

  #count(more: Partial<PathCounters>): void {
    const before = this.#counters;
    this.#counters = {
      asksSent: before.asksSent + (more.asksSent ?? 0),
      answersHeard: before.answersHeard + (more.answersHeard ?? 0),
      asksHeard: before.asksHeard + (more.asksHeard ?? 0),
      answersSent: before.answersSent + (more.answersSent ?? 0),
      bytesSent: before.bytesSent + (more.bytesSent ?? 0),
      asksRefused: before.asksRefused + (more.asksRefused ?? 0),
    };
  }
}
