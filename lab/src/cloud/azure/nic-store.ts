/**
 * The documents of all NICs and the long-running operations on them.
 *
 * 1. A NIC has at most one operation; a second PUT is refused while it runs.
 * 2. When a PUT is accepted its added addresses are reserved, and the etag changes; when the operation ends, removed addresses are
 *    released, packets follow, and the etag changes again. A failed operation puts everything back.
 */
import { randomUUID } from 'node:crypto';
import { err, ok, type Result } from '@routerd/resources';
import {
  addressesOf,
  assign,
  freeAddresses,
  holderOf,
  setForwarding,
  settle,
  unassign,
  type AddressSpace,
  type Nic,
} from '../address-space.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { OperationEnding } from '../wire.ts';
import { addressFault, armFault, type ArmFault } from './arm-reply.ts';
import {
  draftDocument,
  initialDocument,
  ipConfigurationId,
  ipConfigurationOf,
  type NicDocument,
  type PutBody,
  type RenderContext,
} from './nic-document.ts';

export interface Operation {
  readonly id: string;
  readonly nicId: string;
  readonly status: 'InProgress' | 'Succeeded' | 'Failed';
  readonly error?: { readonly code: string; readonly message: string };
}

interface StoredNic {
  readonly document: NicDocument;
  readonly etag: string;
  readonly provisioningState: RenderContext['provisioningState'];
  readonly operationId?: string;
}

export class NicStore {
  readonly #plane: ControlPlane;
  readonly #stored = new Map<string, StoredNic>();
  readonly #operations = new Map<string, Operation>();
  /** Released addresses that still count as allocated → who had them, until when (monotonic). */
  readonly #lingering = new Map<string, { readonly nicId: string; readonly id: string; readonly until: number }>();

  constructor(plane: ControlPlane) {
    this.#plane = plane;
    for (const nic of plane.space.nics.values()) {
      this.#stored.set(nic.id, settled(initialDocument(nic, plane.config)));
    }
  }

  /** Takes in what somebody else has done to the NIC since. */
  read(nic: Nic): StoredNic {
    const stored = this.#stored.get(nic.id) ?? settled(initialDocument(nic, this.#plane.config));
    if (stored.operationId !== undefined) return stored;
    const document = this.#following(stored.document, nic);
    if (document === stored.document) return stored;
    const changed = settled(document);
    this.#stored.set(nic.id, changed);
    return changed;
  }

  /** As a listing that lags tells it. @param nic as it was then */
  documentThen(nic: Nic): NicDocument {
    const { space } = this.#plane;
    const { document } = this.read(space.nics.get(nic.id) ?? nic);
    return this.#plane.seen === space ? document : this.#following(document, nic);
  }

  /** Somebody writes the NIC without a change: only the etag is another. */
  touch(nic: Nic): void {
    this.#stored.set(nic.id, { ...this.read(nic), etag: newEtag() });
  }

  /** The document with entries for what is held, and no others, and with the flag as it is. */
  #following(document: NicDocument, nic: Nic): NicDocument {
    const held = addressesOf(nic);
    const { ipConfigurations: known, enableIPForwarding } = document;
    const kept = known.filter(({ address }) => held.includes(address));
    const added = held.filter((address) => !known.some((each) => each.address === address));
    if (kept.length === known.length && added.length === 0 && enableIPForwarding === nic.forwarding) return document;
    const made = added.map((address) =>
      ipConfigurationOf(
        { name: `ipconfig-${address.replaceAll('.', '-')}`, address, primary: false },
        this.#plane.config,
      ),
    );
    return { ...document, ipConfigurations: [...kept, ...made], enableIPForwarding: nic.forwarding };
  }

  context(nic: Nic): RenderContext {
    const { etag, provisioningState } = this.read(nic);
    return { nic, config: this.#plane.config, etag, provisioningState };
  }

  operation(id: string): Operation | undefined {
    return this.#operations.get(id);
  }

  /** @returns the accepted operation; it ends `mutationMs` later */
  put(
    nic: Nic,
    body: PutBody,
    options: { readonly ifMatch?: string; readonly ending: OperationEnding },
  ): Result<Operation, ArmFault> {
    const before = this.read(nic);
    if (before.operationId !== undefined) {
      const why = 'Another operation on this or dependent resource is in progress.';
      return err(armFault(409, 'AnotherOperationInProgress', `${why} Operation ${before.operationId}.`));
    }
    const { ifMatch = '*', ending } = options;
    if (ifMatch !== '*' && ifMatch !== before.etag) return err(staleEtag(nic, ifMatch, before.etag));
    const drafted = draftDocument(body, before.document, this.#allocatable());
    if (!drafted.ok) return drafted;
    const refused = this.#reserve(nic, before.document, drafted.value);
    if (refused !== undefined) return err(refused);
    const operation: Operation = { id: randomUUID(), nicId: nic.id, status: 'InProgress' };
    this.#operations.set(operation.id, operation);
    const updating = { etag: newEtag(), provisioningState: 'Updating', operationId: operation.id } as const;
    this.#stored.set(nic.id, { document: drafted.value, ...updating });
    void this.#complete(operation, before.document, drafted.value, ending);
    return ok(operation);
  }

  #allocatable(): readonly string[] {
    return freeAddresses(this.#plane.space).filter((address) => this.#lingerer(address) === undefined);
  }

  /** @returns why the added addresses cannot be had; nothing is reserved then */
  #reserve(nic: Nic, before: NicDocument, after: NicDocument): ArmFault | undefined {
    const { config } = this.#plane;
    const primary = after.ipConfigurations.find((each) => each.primary);
    if (primary?.address !== nic.primary) {
      return armFault(400, 'PrimaryIPAddressChangeNotSupported', `The primary address of this NIC is ${nic.primary}.`);
    }
    const foreign = after.ipConfigurations.find((each) => subnetOf(each.properties) !== config.subnet.id.toLowerCase());
    if (foreign !== undefined) return unlinked(subnetOf(foreign.properties));
    const had = new Set(before.ipConfigurations.map(({ address }) => address));
    const added = after.ipConfigurations.filter(({ address }) => !had.has(address));
    for (const { address, name } of added) {
      const lingerer = this.#lingerer(address);
      if (lingerer === undefined || lingerer.nicId === nic.id) continue;
      const wants = ipConfigurationId(nic, name);
      const refusal = { code: 'address.held-elsewhere', address, holder: nic } as const;
      return addressFault(refusal, { cidr: config.subnet.cidr, wants, holderId: () => lingerer.id });
    }
    const reserved = this.#plane.changeNow((space) =>
      assign(space, {
        nicId: nic.id,
        addresses: added.map(({ address }) => address),
        mayTake: () => false,
        settled: false,
        addressesMax: this.#plane.knobs.addressesPerNicMax,
      }),
    );
    if (reserved.ok) return undefined;
    const wants = ipConfigurationId(nic, added[0]?.name ?? '');
    const holderId = (address: string): string => this.#idOfHolder(address);
    return addressFault(reserved.error, { cidr: config.subnet.cidr, wants, holderId });
  }

  #idOfHolder(address: string): string {
    const holder = holderOf(this.#plane.space, address);
    if (holder === undefined) return 'unknown';
    const entry = this.read(holder).document.ipConfigurations.find((each) => each.address === address);
    return ipConfigurationId(holder, entry?.name ?? 'unknown');
  }

  #lingerer(address: string): { readonly nicId: string; readonly id: string } | undefined {
    const found = this.#lingering.get(address);
    return found !== undefined && found.until > this.#plane.clock.monotonic() ? found : undefined;
  }

  async #complete(
    operation: Operation,
    before: NicDocument,
    after: NicDocument,
    ending: OperationEnding,
  ): Promise<void> {
    const { nicId } = operation;
    await this.#plane.pause(this.#plane.mutationMs);
    const isDone = ending !== 'failed';
    const winner = isDone ? after : before;
    this.#plane.changeNow((space) => {
      const nic = space.nics.get(nicId);
      if (nic === undefined) return ok(space);
      const keeps = new Set(winner.ipConfigurations.map(({ address }) => address));
      const touched = new Set([...before.ipConfigurations, ...after.ipConfigurations].map(({ address }) => address));
      const released = nic.secondaries.filter(({ address }) => touched.has(address) && !keeps.has(address));
      if (isDone)
        this.#linger(
          nic,
          before,
          released.map(({ address }) => address),
        );
      const left = unassign(
        space,
        nicId,
        released.map(({ address }) => address),
      );
      return left.ok ? setForwarding(settle(left.value, nicId), nicId, winner.enableIPForwarding) : left;
    });
    const ended = { etag: newEtag(), provisioningState: ending === 'succeeded' ? 'Succeeded' : 'Failed' } as const;
    this.#stored.set(nicId, { document: winner, ...ended });
    const error = { code: 'InternalServerError', message: 'An error occurred while the operation was processed.' };
    this.#operations.set(operation.id, {
      ...operation,
      ...(ending === 'succeeded' ? { status: 'Succeeded' } : { status: 'Failed', error }),
    });
  }

  #linger(nic: Nic, before: NicDocument, released: readonly string[]): void {
    const until = this.#plane.clock.monotonic() + this.#plane.knobs.releaseLagMs;
    for (const { address, name } of before.ipConfigurations) {
      if (!released.includes(address)) continue;
      this.#lingering.set(address, { nicId: nic.id, id: ipConfigurationId(nic, name), until });
    }
  }
}

export function nicsIn(space: AddressSpace): readonly Nic[] {
  return [...space.nics.values()];
}

function settled(document: NicDocument): StoredNic {
  return { document, etag: newEtag(), provisioningState: 'Succeeded' };
}

function newEtag(): string {
  return `W/"${randomUUID()}"`;
}

function subnetOf(properties: Readonly<Record<string, unknown>>): string {
  const { subnet } = properties;
  return typeof subnet === 'object' && subnet !== null && 'id' in subnet ? String(subnet.id).toLowerCase() : '';
}

function unlinked(scope: string): ArmFault {
  const action = 'Microsoft.Network/virtualNetworks/subnets/join/action';
  const why = `it does not have permission to perform action(s) '${action}' on the linked scope(s) '${scope}'`;
  return armFault(403, 'LinkedAuthorizationFailed', `The client has permission to write; however, ${why}.`);
}

function staleEtag(nic: Nic, offered: string, current: string): ArmFault {
  const why = `Etag provided in if-match header ${offered} does not match etag ${current} of resource ${nic.id} in NRP data store.`;
  return armFault(412, 'PreconditionFailed', `Precondition failed. ${why}`);
}
