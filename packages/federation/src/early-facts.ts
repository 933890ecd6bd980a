/** Facts that are dated too far ahead, kept until the clock of their source is known better. Memory only: the log has them too. */
import type { HostAddress, NodeName } from '@routerd/resources';
import type { LogMessage } from './transport.ts';

/** A better estimate of a clock than this is no reason to judge again. */
const BETTER_MS = 1000;

interface Kept {
  /** What the source's clock was taken to be ahead of ours when these were judged. */
  aheadMs: number;
  /** The last of each address. */
  readonly messages: Map<HostAddress, LogMessage>;
}

export class EarlyFacts {
  readonly #bySource = new Map<NodeName, Kept>();

  keep(source: NodeName, address: HostAddress, message: LogMessage, aheadMs: number): void {
    const kept = this.#bySource.get(source) ?? { aheadMs, messages: new Map<HostAddress, LogMessage>() };
    kept.aheadMs = aheadMs;
    kept.messages.set(address, message);
    this.#bySource.set(source, kept);
  }

  /** Something later of the same source about the address was accepted. */
  forget(source: NodeName, address: HostAddress): void {
    const kept = this.#bySource.get(source);
    kept?.messages.delete(address);
    if (kept?.messages.size === 0) this.#bySource.delete(source);
  }

  /** @returns what to judge again, as clocks are known now; it is kept no more */
  takeDue(clockAheadMs: (source: NodeName) => number): readonly LogMessage[] {
    const due: LogMessage[] = [];
    for (const [source, { aheadMs, messages }] of this.#bySource) {
      if (Math.abs(clockAheadMs(source) - aheadMs) <= BETTER_MS) continue;
      due.push(...messages.values());
      this.#bySource.delete(source);
    }
    return due;
  }
}
