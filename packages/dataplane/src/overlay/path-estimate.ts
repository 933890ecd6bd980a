/** From answered and lost samples to round trip, jitter and loss in both directions. Pure: values to values. */

/** Decided samples that loss is told of; at one a second, the last minute. */
export const LOSS_WINDOW = 60;
/** Of the smoothed round trip (RFC 6298, section 2.3). */
const RTT_GAIN = 1 / 8;
/** Of the jitter (RFC 3550, section 6.4.1). */
const JITTER_GAIN = 1 / 16;

export interface DecidedSample {
  readonly sequence: number;
  /** What the answer said of samples received there; undefined: there was no answer. */
  readonly receivedThere: number | undefined;
}

export interface PathEstimate {
  /** Milliseconds, smoothed; undefined before the first answer. */
  readonly rttMs: number | undefined;
  readonly lastRttMs: number | undefined;
  /** Milliseconds: how much the round trip differs from one sample to the next. */
  readonly jitterMs: number;
  /** The last decided samples in the order of their sequence, at most `LOSS_WINDOW`. */
  readonly window: readonly DecidedSample[];
}

export const EMPTY_ESTIMATE: PathEstimate = { rttMs: undefined, lastRttMs: undefined, jitterMs: 0, window: [] };

export function withAnswer(
  before: PathEstimate,
  sample: { readonly sequence: number; readonly rttMs: number; readonly receivedThere: number },
): PathEstimate {
  const { sequence, rttMs, receivedThere } = sample;
  const { rttMs: smoothed, lastRttMs, jitterMs } = before;
  return {
    rttMs: smoothed === undefined ? rttMs : smoothed + (rttMs - smoothed) * RTT_GAIN,
    lastRttMs: rttMs,
    jitterMs: lastRttMs === undefined ? 0 : jitterMs + (Math.abs(rttMs - lastRttMs) - jitterMs) * JITTER_GAIN,
    window: decided(before.window, { sequence, receivedThere }),
  };
}

export function withLoss(before: PathEstimate, sequence: number): PathEstimate {
  return { ...before, window: decided(before.window, { sequence, receivedThere: undefined }) };
}

/** Answers overtake each other, so a sample goes where its sequence says. */
function decided(window: readonly DecidedSample[], sample: DecidedSample): readonly DecidedSample[] {
  const after = window.findLastIndex(({ sequence }) => sequence < sample.sequence);
  return [...window.slice(0, after + 1), sample, ...window.slice(after + 1)].slice(-LOSS_WINDOW);
}

/** Parts of 1. */
export interface PathLoss {
  /** Of samples that had no answer; undefined before the first was decided. */
  readonly roundTrip: number | undefined;
  /** Of what this host sent, what did not arrive there; undefined while too few answers tell. */
  readonly toPeer: number | undefined;
  /** Of what the peer answered, what did not arrive here. */
  readonly fromPeer: number | undefined;
}

/** The peer's count tells the directions apart: between two answers it grew by what arrived there. */
export function lossOf({ window }: PathEstimate): PathLoss {
  if (window.length === 0) return { roundTrip: undefined, toPeer: undefined, fromPeer: undefined };
  const roundTrip = window.filter(({ receivedThere }) => receivedThere === undefined).length / window.length;
  const answered = window.flatMap(({ sequence, receivedThere }) =>
    receivedThere === undefined ? [] : [{ sequence, receivedThere }],
  );
  const first = answered[0];
  const last = answered.at(-1);
  const arrived = (last?.receivedThere ?? 0) - (first?.receivedThere ?? 0);
  // A peer that was started anew counts from the beginning: wait until the window holds one count alone.
  if (first === undefined || last === undefined || arrived <= 0 || first === last)
    return { roundTrip, toPeer: undefined, fromPeer: undefined };
  return {
    roundTrip,
    toPeer: part(arrived, last.sequence - first.sequence),
    fromPeer: part(answered.length - 1, arrived),
  };
}

function part(arrived: number, sent: number): number {
  return Math.min(1, Math.max(0, 1 - arrived / sent));
}

/** How many of the last samples had no answer, in a row. */
export function lostInARow({ window }: PathEstimate): number {
  return window.length - 1 - window.findLastIndex(({ receivedThere }) => receivedThere !== undefined);
}
