/**
 * A cloud that is a file: two machines' NICs and a client's, addresses with one holder each, forwarding, and faults to come.
 * It stands where an author's provider stands; everything else in this plugin is what an executor is like. One process at a time writes it.
 */
import { accessSync, constants, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CloudError, holderOf, type Nic, type Nics, type Provider } from './provider.ts';

export const FAULTS = ['throttle', 'server-error', 'lost-reply', 'hang', 'slow'] as const;
export type Fault = (typeof FAULTS)[number];
const SLOW_MS = 2000;

export interface Cloud {
  readonly nics: Nics;
  /** Mutating calls so far, whatever came of them. */
  readonly mutations: number;
  /** What the next mutating calls meet. */
  readonly faults: readonly Fault[];
}

export const EMPTY_CLOUD: Cloud = {
  nics: {
    'nic-a': { primary: '10.77.60.4', addresses: [], forwarding: false },
    'nic-b': { primary: '10.77.60.5', addresses: [], forwarding: false },
    'nic-client': { primary: '10.77.60.11', addresses: [], forwarding: false },
  },
  mutations: 0,
  faults: [],
};

export class FileCloud implements Provider {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  read(): Cloud {
    return JSON.parse(readFileSync(this.#file, 'utf8'));
  }

  async writeProblem(): Promise<string | undefined> {
    try {
      accessSync(this.#file, constants.W_OK);
      accessSync(path.dirname(this.#file), constants.W_OK);
      return undefined;
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }

  /** Whole or not at all. */
  write(cloud: Cloud): void {
    writeFileSync(`${this.#file}.new`, JSON.stringify(cloud));
    renameSync(`${this.#file}.new`, this.#file);
  }

  async nics(): Promise<Nics> {
    return this.read().nics;
  }

  async assign(nicRef: string, addresses: readonly string[], takeFrom: readonly string[]): Promise<void> {
    await this.#mutate((nics) => {
      const own = nicIn(nics, nicRef);
      for (const address of addresses) {
        if (!address.startsWith('10.77.60.')) throw new CloudError('OutsideSubnet', `${address} is outside the subnet`);
        const holder = holderOf(nics, address);
        if (holder === undefined || holder.nicRef === nicRef) continue;
        if (holder.isPrimary || !takeFrom.includes(holder.nicRef)) {
          throw new CloudError('AddressInUse', `${address} is in use by ${holder.nicRef}`);
        }
      }
      const without = Object.entries(nics).map(([ref, nic]) => [
        ref,
        { ...nic, addresses: nic.addresses.filter((address) => !addresses.includes(address)) },
      ]);
      const kept = own.addresses.filter((address) => !addresses.includes(address));
      return { ...Object.fromEntries(without), [nicRef]: { ...own, addresses: [...kept, ...addresses] } };
    });
  }

  async unassign(nicRef: string, addresses: readonly string[]): Promise<void> {
    await this.#mutate((nics) => {
      const own = nicIn(nics, nicRef);
      const kept = own.addresses.filter((address) => !addresses.includes(address));
      return { ...nics, [nicRef]: { ...own, addresses: kept } };
    });
  }

  async setForwarding(nicRef: string, forwarding: boolean): Promise<void> {
    await this.#mutate((nics) => ({ ...nics, [nicRef]: { ...nicIn(nics, nicRef), forwarding } }));
  }

  async #mutate(decide: (nics: Nics) => Nics): Promise<void> {
    const { faults, ...before } = this.read();
    const [fault, ...rest] = faults;
    this.write({ ...before, mutations: before.mutations + 1, faults: rest });
    if (fault === 'throttle') throw new CloudError('TooManyRequests', 'slow down');
    if (fault === 'server-error') throw new CloudError('InternalError', 'try again later');
    if (fault === 'hang') await new Promise(() => undefined);
    if (fault === 'slow') await delay(SLOW_MS);
    const current = this.read();
    this.write({ ...current, nics: decide(current.nics) });
    if (fault === 'lost-reply') throw new CloudError('ECONNRESET', 'the connection was reset');
  }
}

function nicIn(nics: Nics, nicRef: string): Nic {
  const nic = nics[nicRef];
  if (nic === undefined) throw new CloudError('NicNotFound', `there is no ${nicRef}`);
  return nic;
}
