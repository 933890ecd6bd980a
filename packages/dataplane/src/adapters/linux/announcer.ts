/** Gratuitous ARP through `arping`, in the background: the LAN learns which router answers now. */
import { bareAddress, type HostAddress } from '@routerd/resources';
import type { Log } from '@routerd/runtime';
import type { RunHostCommand } from './host-command.ts';

/** Replies a second apart; arping then stays about a second longer. */
const REPLIES = 2;
/** arping processes at one time: a hand-over of a thousand addresses must not fork a thousand. */
const AT_ONCE_MAX = 32;
const TIMEOUT_MS = 5000;

export class Announcer {
  readonly #run: RunHostCommand;
  readonly #log: Log;
  /** By interface and address: announcing what already waits announces it once. */
  readonly #waiting = new Map<string, readonly [interfaceName: string, address: HostAddress]>();
  #running = 0;

  constructor(run: RunHostCommand, log: Log) {
    this.#run = run;
    this.#log = log;
  }

  announce(interfaceName: string, address: HostAddress): void {
    this.#waiting.set(`${interfaceName} ${address}`, [interfaceName, address]);
    this.#startMore();
  }

  /** A claim that was withdrawn meanwhile is not announced any more. */
  withdraw(interfaceName: string, address: HostAddress): void {
    this.#waiting.delete(`${interfaceName} ${address}`);
  }

  #startMore(): void {
    for (const [key, [interfaceName, address]] of this.#waiting) {
      if (this.#running >= AT_ONCE_MAX) return;
      this.#waiting.delete(key);
      this.#running += 1;
      void this.#send(interfaceName, address);
    }
  }

  async #send(interfaceName: string, address: HostAddress): Promise<void> {
    const sent = await this.#run(announcementOf(interfaceName, address), { timeoutMs: TIMEOUT_MS });
    this.#running -= 1;
    if (!sent.ok)
      this.#log.warn('an address could not be announced', {
        event: 'dataplane.announce.failed',
        address,
        interface: interfaceName,
        detail: sent.error.stderr.trim(),
      });
    this.#startMore();
  }
}

/** Replies (`-A`), not requests: another router's proxy ARP would answer a request. */
export function announcementOf(interfaceName: string, address: HostAddress): readonly [string, ...string[]] {
  const quad = bareAddress(address);
  return ['arping', '-q', '-A', '-c', `${REPLIES}`, '-I', interfaceName, '-s', quad, quad];
}
