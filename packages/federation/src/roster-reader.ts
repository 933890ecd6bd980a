/** The operator's list of members, as the hubs bring it: believed when it is signed, and newer than what was known. */
import type { Log } from '@routerd/runtime';
import { readRoster, type Roster } from './enrolment/roster.ts';
import { Listeners } from './listeners.ts';
import type { VerifySignature } from './node-identity.ts';
import type { Refusals } from './refusals.ts';
import type { GroupName } from './subjects.ts';
import type { LogMessage, LogReader } from './transport.ts';

export interface ReceivedRoster {
  readonly roster: Roster;
  /** As it was signed: to be kept, and checked again when it is read back. */
  readonly text: string;
}

export interface RosterReaderOptions {
  readonly group: GroupName;
  readonly verify: VerifySignature;
  readonly log: Log;
  readonly refusals: Refusals;
}

export class RosterReader implements LogReader {
  readonly #options: RosterReaderOptions;
  readonly #listeners = new Listeners<ReceivedRoster>();
  #serial = 0;

  constructor(options: RosterReaderOptions) {
    this.#options = options;
  }

  onRoster(listener: (received: ReceivedRoster) => void): () => void {
    return this.#listeners.add(listener);
  }

  restarted(): void {
    // What is read again is not newer.
  }

  received(batch: readonly LogMessage[]): void {
    const { group, verify, log, refusals } = this.#options;
    for (const { data } of batch) {
      const text = new TextDecoder().decode(data);
      const read = readRoster(text, verify, group);
      if (!read.ok) {
        refusals.add({ reason: read.error.code, source: 'operator', detail: read.error.detail });
        continue;
      }
      if (read.value.serial <= this.#serial) continue;
      this.#serial = read.value.serial;
      const { serial, nodes, hubs } = read.value;
      const event = 'federation.roster.received';
      log.info('the operator tells who is in the group', { event, serial, nodes: nodes.size, hubs: hubs.size });
      this.#listeners.tell({ roster: read.value, text });
    }
  }

  caughtUp(): void {
    // Nothing waits for it: without a list the configuration counts.
  }
}
