/** Tells when somebody changes a table of ours, by `nft monitor`. */
import type { Monotonic } from '@routerd/resources';
import type { Clock, Log } from '@routerd/runtime';
import { LineProcess } from './line-process.ts';

export interface NftWatchOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** As of LinuxHost. */
  readonly commandPrefix: readonly string[];
  /** Also told when the watch begins: what happened before is unknown. */
  readonly onChanged: () => void;
}

/** Firewalls that log into sets say a lot; of ours a line suffices. */
const LINES_PER_SECOND_MAX = 5000;
/** A transaction of ours is reported within milliseconds, or was before the watch began. */
const ECHO_MS_MAX = 1000;

export class NftWatch {
  readonly #options: NftWatchOptions;
  readonly #block = new NftMonitorBlock();
  #process: LineProcess | undefined;
  /** Before that, transactions are not reported, or may not be. */
  #isSubscribed = false;
  /** When our own transactions ended that were not reported yet, monotonic milliseconds, in their order. */
  #ownEchoes: Monotonic[] = [];

  /** Starts nothing: a host without tables of ours needs no program that watches them. */
  constructor(options: NftWatchOptions) {
    this.#options = options;
  }

  begin(): void {
    const { clock, log, commandPrefix, onChanged } = this.#options;
    this.#process ??= new LineProcess({
      clock,
      log,
      argv: [...commandPrefix, 'nft', 'monitor'],
      linesPerSecondMax: LINES_PER_SECOND_MAX,
      onStarted: () => {
        this.#isSubscribed = true;
        this.#ownEchoes = [];
        onChanged();
      },
      onLine: (line) => {
        if (this.#block.endsWith(line) && !this.#isOwn()) onChanged();
      },
    });
  }

  /** A transaction of ours has landed. */
  expectEcho(): void {
    if (this.#isSubscribed) this.#ownEchoes.push(this.#options.clock.monotonic());
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
    this.#isSubscribed = false;
  }

  #isOwn(): boolean {
    const now = this.#options.clock.monotonic();
    this.#ownEchoes = this.#ownEchoes.filter((landedAt) => now - landedAt < ECHO_MS_MAX);
    return this.#ownEchoes.shift() !== undefined;
  }
}

/** Gathers the lines of one transaction: `delete table inet routerd_mss`, …, `# new generation 4 by process 2679 (nft)`. */
export class NftMonitorBlock {
  #concernsUs = false;

  /** @returns true if the line ends a transaction that touched a table of ours */
  endsWith(line: string): boolean {
    if (!line.startsWith('# new generation ')) {
      this.#concernsUs ||= /^(?:add|insert|delete|replace) \w+ (?:inet|ip) routerd_/.test(line);
      return false;
    }
    const concernsUs = this.#concernsUs;
    this.#concernsUs = false;
    return concernsUs;
  }
}
