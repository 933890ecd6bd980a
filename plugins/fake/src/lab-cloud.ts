/**
 * The emulated cloud of a lab, by the lab's own door to it: `pnpm lab up --executor gcp=plugins/fake`. Addresses move for real there, without
 * any vendor's API in between; it is what an author has in the lab before there is an adapter for the provider.
 */
import { accessSync, constants } from 'node:fs';
import { request } from 'node:http';
import { listOf, objectOf, textOf } from '@routerd/plugin-sdk';
import { CloudError, type Nics, type Provider } from './provider.ts';

/** Of the emulator's address space. */
const CODES: Readonly<Record<string, string>> = {
  'address.held-elsewhere': 'AddressInUse',
  'address.primary': 'AddressInUse',
  'address.outside-subnet': 'OutsideSubnet',
  'address.reserved': 'OutsideSubnet',
  'address.limit': 'NicFull',
};

interface LabNic {
  /** Name of the machine. */
  readonly instance: string;
  readonly nicId: string;
  /** Primary first. */
  readonly addresses: readonly string[];
  readonly forwarding: boolean;
}

/** What the vendor's API says of it, apart from what packets meet. */
function labNicOf(value: unknown): LabNic {
  const nic = objectOf(value);
  const { addresses, forwarding } = objectOf(nic['controlPlane']);
  return {
    instance: textOf(nic['instance']),
    nicId: textOf(nic['nicId']),
    addresses: listOf(addresses).map(textOf),
    forwarding: forwarding === true,
  };
}

export class LabCloud implements Provider {
  readonly #socket: string;

  /** @param socket path of the emulator's control socket; see lab/src/cloud/README.md */
  constructor(socket: string) {
    this.#socket = socket;
  }

  async nics(): Promise<Nics> {
    const entries = (await this.#state()).map(({ nicId, addresses: all, forwarding }) => {
      const [primary = '', ...addresses] = all;
      return [nicId, { primary, addresses, forwarding }] as const;
    });
    return Object.fromEntries(entries);
  }

  async assign(nicRef: string, addresses: readonly string[], takeFrom: readonly string[]): Promise<void> {
    await this.#order(nicRef, 'addresses', { assign: addresses, takeOver: takeFrom.length > 0 });
  }

  async unassign(nicRef: string, addresses: readonly string[]): Promise<void> {
    await this.#order(nicRef, 'addresses', { unassign: addresses });
  }

  async setForwarding(nicRef: string, forwarding: boolean): Promise<void> {
    await this.#order(nicRef, 'forwarding', { forwarding });
  }

  async writeProblem(): Promise<string | undefined> {
    try {
      accessSync(this.#socket, constants.W_OK);
      return undefined;
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }

  async #state(): Promise<readonly LabNic[]> {
    return listOf(objectOf(await this.#call('GET', '/state'))['nics']).map(labNicOf);
  }

  async #order(nicRef: string, what: 'addresses' | 'forwarding', body: unknown): Promise<void> {
    const instance = (await this.#state()).find(({ nicId }) => nicId === nicRef)?.instance;
    if (instance === undefined) throw new CloudError('NicNotFound', `there is no ${nicRef}`);
    await this.#call('POST', `/instances/${encodeURIComponent(instance)}/${what}`, body);
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const reply = await new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const sent = request({ socketPath: this.#socket, method, path, agent: false }, (message) => {
        message.setEncoding('utf8');
        let text = '';
        message.on('data', (chunk: string) => (text += chunk));
        message.on('end', () => resolve({ status: message.statusCode ?? 0, text }));
      });
      sent.once('error', (error) => reject(new CloudError('Unreachable', error.message)));
      sent.end(body === undefined ? '' : JSON.stringify(body));
    });
    if (reply.status === 200) return JSON.parse(reply.text);
    const [, code = ''] = /"error":"([^"]*)"/.exec(reply.text) ?? [];
    throw new CloudError(CODES[code] ?? 'InternalError', `${method} ${path}: ${reply.status} ${reply.text}`);
  }
}
