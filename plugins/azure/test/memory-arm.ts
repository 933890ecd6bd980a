/** Resource Manager in memory: NIC documents under ETags, one holder per address. */
import { listOf, objectOf } from '@routerd/plugin-sdk';
import { ArmError, nicDocumentOf, type Arm, type NicDocument, type Permission, type Subnet } from '../src/index.ts';
import { fault, nicId, nicJson, type Entry } from './nic.ts';

type Json = Readonly<Record<string, unknown>>;

export class MemoryArm implements Arm {
  readonly #nics = new Map<string, Json>();
  #etags = 1;
  /** Bodies that were written, by NIC. */
  readonly journal: { readonly id: string; readonly addresses: readonly string[]; readonly body: Json }[] = [];
  /** Called before each write; may throw, or change something behind the writer's back. */
  beforePut: ((id: string) => void) | undefined;
  /** Thrown by the next write after it took effect. */
  faultAfter: Error | undefined;
  /** How many adds still find a released address allocated. */
  releaseLag = 0;
  readonly #released = new Set<string>();

  constructor() {
    this.put('a', '10.77.60.4');
    this.put('b', '10.77.60.5');
    this.put('vm', '10.77.60.11');
  }

  put(name: string, primary: string, secondaries: readonly Entry[] = []): void {
    this.#nics.set(nicId(name), { ...nicJson(name, primary, secondaries), etag: this.#nextEtag() });
  }

  /** Joins the first entry of the NIC to something else. */
  join(name: string, to: Json): void {
    const nic = structuredClone(this.#nics.get(nicId(name))) ?? {};
    const properties = objectOf(nic['properties']);
    const [first, ...rest] = listOf(properties['ipConfigurations']).map(objectOf);
    const entry = { ...first, properties: { ...objectOf(first?.['properties']), ...to } };
    this.#nics.set(nicId(name), { ...nic, properties: { ...properties, ipConfigurations: [entry, ...rest] } });
  }

  addressesOf(name: string): readonly string[] {
    return this.#documents().flatMap((nic) =>
      nic.id === nicId(name) ? nic.ipConfigurations.map(({ address }) => address) : [],
    );
  }

  namesOf(name: string): readonly string[] {
    return this.#documents().flatMap((nic) =>
      nic.id === nicId(name) ? nic.ipConfigurations.map((entry) => entry.name) : [],
    );
  }

  async readNic(id: string): Promise<NicDocument | undefined> {
    const json = this.#nics.get(id);
    return json === undefined ? undefined : nicDocumentOf(json);
  }

  async putNic(id: string, body: Json, etag: string): Promise<void> {
    this.beforePut?.(id);
    const current = this.#nics.get(id);
    if (current?.['etag'] !== etag) throw new ArmError(fault('PreconditionFailed', 412));
    const wanted = nicDocumentOf(body).ipConfigurations.map(({ address }) => address);
    for (const address of wanted) this.#refuseIfHeld(id, address);
    const before = nicDocumentOf(current).ipConfigurations.map(({ address }) => address);
    for (const address of before) if (!wanted.includes(address)) this.#released.add(address);
    this.#nics.set(id, { ...body, etag: this.#nextEtag() });
    this.journal.push({ id, addresses: wanted, body });
    const after = this.faultAfter;
    this.faultAfter = undefined;
    if (after !== undefined) throw after;
  }

  async readSubnet(): Promise<Subnet> {
    const entries = this.#documents().flatMap(({ id, ipConfigurations }) =>
      ipConfigurations.map(({ name, address, isPrimary }) => ({ nicId: id, name, address, isPrimary })),
    );
    return { prefix: '10.77.60.0/24', entries };
  }

  /** What every resource gives the caller. */
  permissions: readonly Permission[] = [{ actions: ['Microsoft.Network/*'], notActions: [] }];

  async listPermissions(): Promise<readonly Permission[]> {
    return this.permissions;
  }

  #refuseIfHeld(id: string, address: string): void {
    const holder = this.#documents().find(
      (nic) => nic.id !== id && nic.ipConfigurations.some((one) => one.address === address),
    );
    const lags = this.#released.has(address) && this.releaseLag > 0;
    if (lags) this.releaseLag -= 1;
    if (holder === undefined && !lags) return;
    const where = holder?.id ?? nicId('b');
    const message = `IP configuration is using the private IP address ${address} which is already allocated to resource ${where}.`;
    throw new ArmError(fault('PrivateIPAddressIsAllocated', 400, message));
  }

  #documents(): readonly NicDocument[] {
    return [...this.#nics.values()].map(nicDocumentOf);
  }

  #nextEtag(): string {
    this.#etags += 1;
    return `W/"${this.#etags}"`;
  }
}
