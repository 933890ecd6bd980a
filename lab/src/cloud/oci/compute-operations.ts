/** What the compute part of the core services API tells of machines and of what VNICs they have; nobody in the cloud may change them. */
import type { Machine, MachineState } from '../address-space.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { WireReply } from '../wire.ts';
import { availabilityDomainOf } from './imds.ts';
import { faultReply, NOT_FOUND, ociFault, ociReply } from './oci-reply.ts';

/** Small, so that whoever does not follow `opc-next-page` is found out. */
const PAGE_SIZE_MAX = 2;

const LIFECYCLE = {
  running: 'RUNNING',
  stopped: 'STOPPED',
  terminated: 'TERMINATED',
} as const satisfies Readonly<Record<MachineState, string>>;

export class ComputeOperations {
  readonly #plane: ControlPlane;
  readonly #began: string;

  constructor(plane: ControlPlane) {
    this.#plane = plane;
    this.#began = new Date(plane.clock.now()).toISOString();
  }

  /** Machines that are terminated stay listed: the real service forgets them after some hours. */
  listInstances(query: URLSearchParams): WireReply {
    return this.#page(query, (machine) => this.#renderInstance(machine));
  }

  listVnicAttachments(query: URLSearchParams): WireReply {
    return this.#page(query, (machine) => this.#renderAttachment(machine));
  }

  #page(query: URLSearchParams, render: (machine: Machine) => unknown): WireReply {
    const { config, seen } = this.#plane;
    const compartmentId = query.get('compartmentId');
    if (compartmentId === null) return faultReply(ociFault(400, 'MissingParameter', 'compartmentId is needed.'));
    if (compartmentId !== config.scope) return faultReply(NOT_FOUND);
    const asked = Number(query.get('limit') ?? PAGE_SIZE_MAX);
    const start = Number(query.get('page') ?? 0);
    if (!Number.isInteger(asked) || asked < 1 || asked > 1000 || !Number.isInteger(start))
      return faultReply(ociFault(400, 'InvalidParameter', 'limit or page is invalid.'));
    const machines = [...seen.machines.values()];
    const end = start + Math.min(asked, PAGE_SIZE_MAX);
    return ociReply(200, machines.slice(start, end).map(render), {
      'opc-next-page': end < machines.length ? `${end}` : undefined,
    });
  }

  #renderInstance({ name, instanceId, type, state }: Machine): Readonly<Record<string, unknown>> {
    const { config } = this.#plane;
    return {
      id: instanceId,
      displayName: name,
      availabilityDomain: availabilityDomainOf(config),
      compartmentId: config.scope,
      region: config.region,
      shape: type,
      lifecycleState: LIFECYCLE[state],
      timeCreated: this.#began,
    };
  }

  #renderAttachment({ instanceId, nicId, state }: Machine): Readonly<Record<string, unknown>> {
    const { config } = this.#plane;
    return {
      id: nicId.replace('.vnic.', '.vnicattachment.'),
      availabilityDomain: availabilityDomainOf(config),
      compartmentId: config.scope,
      instanceId,
      vnicId: nicId,
      subnetId: config.subnet.id,
      lifecycleState: state === 'terminated' ? 'DETACHED' : 'ATTACHED',
      timeCreated: this.#began,
    };
  }
}
