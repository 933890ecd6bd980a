/** Tells when somebody changes a table of ours, by `nft monitor`. */
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

export class NftWatch {
  readonly #options: NftWatchOptions;
  readonly #block = new NftMonitorBlock();
  #process: LineProcess | undefined;

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
      subscribesTo: 'netfilter',
      onStarted: onChanged,
      onLine: (line) => {
        if (this.#block.endsWith(line)) onChanged();
      },
    });
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = undefined;
  }
}

/**
 * Gathers the lines of one transaction: `delete table inet routerd_mss`, …, `# new generation 4 by process 2679 (nft)`. One that writes
 * our mark is our own; somebody who puts back a table of ours as it was once is found by the next reading.
 */
export class NftMonitorBlock {
  #concernsUs = false;
  #isOwn = false;

  /** @returns true if the line ends a transaction of somebody else, or a removal, that touched a table of ours */
  endsWith(line: string): boolean {
    if (!line.startsWith('# new generation ')) {
      this.#concernsUs ||= /^(?:add|insert|delete|replace) \w+ (?:inet|ip) routerd_/.test(line);
      this.#isOwn ||= /^add counter (?:inet|ip) routerd_\w+ owner \{ comment "routerd:owner=dataplane/.test(line);
      return false;
    }
    const isNews = this.#concernsUs && !this.#isOwn;
    this.#concernsUs = false;
    this.#isOwn = false;
    return isNews;
  }
}
