/**
 * Fingerprints of all instances, and the zone operations on them.
 *
 * 1. An instance has at most one operation; what comes meanwhile is told that the resource is not ready.
 * 2. A change is accepted under the fingerprint that was read, and decided when the operation ends: whether an address is to be had is
 *    found out there, and told inside an operation that is `DONE`. A failed operation has changed nothing.
 * 3. A fingerprint changes with every modification.
 * 4. The same `requestId` gets the same operation, whatever came of it.
 */
import { randomBytes } from 'node:crypto';
import { err, ok, type Result } from '@routerd/resources';
import type { AddressRefusal, AddressSpace, Nic, SpaceResult } from '../address-space.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { OperationEnding } from '../wire.ts';
import { gcpFault, invalidValue, linkTo, type GcpFault } from './gcp-reply.ts';
import { numericId, type Fingerprints, type Json } from './instance-document.ts';

export interface ZoneOperation {
  readonly name: string;
  readonly type: 'updateNetworkInterface' | 'update';
  /** `projects/…/zones/…/instances/…`. */
  readonly target: string;
  readonly user: string;
  /** Milliseconds since 1970. */
  readonly insertedAt: number;
  readonly endedAt?: number;
  readonly status: 'PENDING' | 'RUNNING' | 'DONE';
  readonly error?: { readonly code: string; readonly message: string; readonly httpStatus: number };
}

export interface Change {
  readonly nic: Nic;
  readonly type: ZoneOperation['type'];
  readonly user: string;
  readonly requestId: string | undefined;
  /** What the caller sent: under one request id it has to be the same. */
  readonly body: string;
  readonly ending: OperationEnding;
  readonly decide: (space: AddressSpace) => SpaceResult;
}

export class InstanceStore {
  readonly #plane: ControlPlane;
  readonly #operations = new Map<string, ZoneOperation>();
  readonly #ends = new Map<string, Promise<void>>();
  /** By NIC id, while one runs. */
  readonly #running = new Map<string, string>();
  readonly #requests = new Map<string, { readonly name: string; readonly body: string }>();
  readonly #fingerprints = new Map<string, { readonly content: string; readonly fingerprint: string }>();

  constructor(plane: ControlPlane) {
    this.#plane = plane;
  }

  fingerprints(nic: Nic): Fingerprints {
    const aliases = nic.secondaries.map(({ address }) => address).join();
    return {
      nic: this.#fingerprint(`nic ${nic.id}`, aliases),
      instance: this.#fingerprint(`instance ${nic.id}`, `${aliases} ${nic.forwarding}`),
    };
  }

  operation(name: string): ZoneOperation | undefined {
    return this.#operations.get(name);
  }

  /** Resolves when the operation has ended, or at once when there is none. */
  async ended(name: string): Promise<void> {
    await this.#ends.get(name);
  }

  /** @returns the operation that an earlier request of this id began */
  replayed({ requestId, body }: Pick<Change, 'requestId' | 'body'>): Result<ZoneOperation | undefined, GcpFault> {
    if (requestId === undefined) return ok(undefined);
    const known = this.#requests.get(requestId);
    if (known === undefined) return ok(undefined);
    if (known.body === body) return ok(this.#operations.get(known.name));
    return err(invalidValue('requestId', requestId, 'The id was used for another request.'));
  }

  begin(change: Change): Result<ZoneOperation, GcpFault> {
    const { nic, type, user, requestId, body } = change;
    if (this.#running.has(nic.id)) {
      return err(gcpFault(400, 'resourceNotReady', `The resource '${nic.instanceId}' is not ready`));
    }
    const insertedAt = this.#plane.clock.now();
    const name = `operation-${insertedAt}-${randomBytes(6).toString('hex')}`;
    const operation: ZoneOperation = { name, type, target: nic.instanceId, user, insertedAt, status: 'PENDING' };
    this.#operations.set(name, operation);
    this.#running.set(nic.id, name);
    if (requestId !== undefined) this.#requests.set(requestId, { name, body });
    this.#ends.set(name, this.#carryOut(operation, change));
    return ok(operation);
  }

  /** Somebody writes the instance without a change: only the fingerprints are others. */
  touch(nic: Nic): void {
    this.#fingerprints.delete(`nic ${nic.id}`);
    this.#fingerprints.delete(`instance ${nic.id}`);
  }

  async #carryOut(operation: ZoneOperation, { nic, ending, decide }: Change): Promise<void> {
    const half = this.#plane.mutationMs / 2;
    await this.#plane.pause(half);
    this.#operations.set(operation.name, { ...operation, status: 'RUNNING' });
    await this.#plane.pause(half);
    const decided = ending === 'failed' ? undefined : this.#plane.changeNow(decide);
    if (decided?.ok === true) this.touch(nic);
    const refused = decided?.ok === false ? operationError(decided.error) : undefined;
    const error = refused ?? (ending === 'succeeded' ? undefined : internalError());
    const ended = { ...operation, status: 'DONE', endedAt: this.#plane.clock.now() } as const;
    this.#operations.set(operation.name, error === undefined ? ended : { ...ended, error });
    this.#running.delete(nic.id);
  }

  /** Also what somebody did past the API makes another fingerprint. */
  #fingerprint(key: string, content: string): string {
    const known = this.#fingerprints.get(key);
    if (known?.content === content) return known.fingerprint;
    const fingerprint = randomBytes(8).toString('base64');
    this.#fingerprints.set(key, { content, fingerprint });
    return fingerprint;
  }
}

export function renderOperation(operation: ZoneOperation): Json {
  const { name, type, target, user, insertedAt, endedAt, status, error } = operation;
  const [zone = ''] = /^projects\/[^/]+\/zones\/[^/]+/.exec(target) ?? [];
  const instant = (milliseconds: number): string => new Date(milliseconds).toISOString();
  return {
    kind: 'compute#operation',
    id: numericId(name),
    name,
    zone: linkTo(zone),
    operationType: type,
    targetLink: linkTo(target),
    targetId: numericId(target),
    status,
    user,
    progress: status === 'DONE' ? 100 : 0,
    insertTime: instant(insertedAt),
    startTime: instant(insertedAt),
    ...(endedAt === undefined ? {} : { endTime: instant(endedAt) }),
    ...(error === undefined ? {} : renderError(error)),
    selfLink: linkTo(`${zone}/operations/${name}`),
  };
}

function renderError({ code, message, httpStatus }: NonNullable<ZoneOperation['error']>): Json {
  return { error: { errors: [{ code, message }] }, httpErrorStatusCode: httpStatus, httpErrorMessage: code };
}

function internalError(): NonNullable<ZoneOperation['error']> {
  const message = 'Internal error. Please try again or contact Google Support.';
  return { code: 'INTERNAL_ERROR', message, httpStatus: 500 };
}

function operationError(refusal: AddressRefusal): NonNullable<ZoneOperation['error']> {
  switch (refusal.code) {
    case 'address.held-elsewhere':
    case 'address.primary': {
      const message = `IP '${refusal.address}' is already being used by another resource.`;
      return { code: 'IP_IN_USE_BY_ANOTHER_RESOURCE', message, httpStatus: 400 };
    }
    case 'address.limit': {
      const message = "Quota 'ALIASES_PER_NETWORK_INTERFACE' exceeded.";
      return { code: 'QUOTA_EXCEEDED', message, httpStatus: 403 };
    }
    case 'address.outside-subnet':
    case 'address.reserved':
    case 'address.nic-not-found':
    case 'address.not-assigned':
      return internalError();
  }
}
