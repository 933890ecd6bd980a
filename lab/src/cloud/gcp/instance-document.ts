/** Instances as Compute Engine shows them, and what its callers send. Pure. */
import { createHash } from 'node:crypto';
import { err, ok, parseIpv4, type Result } from '@routerd/resources';
import { z } from 'zod';
import { isReserved, type MachineState, type Nic } from '../address-space.ts';
import type { CloudConfig } from '../cloud-config.ts';
import { contains, type Subnet } from '../subnet.ts';
import { jsonOf } from '../wire.ts';
import { gcpFault, invalidValue, linkTo, type GcpFault } from './gcp-reply.ts';

/** Compute Engine's limits: alias IP ranges per network interface. */
export const ALIAS_RANGES_MAX = 150;
/** Instances of the lab have one NIC. */
export const NIC_NAME = 'nic0';

export type Json = Readonly<Record<string, unknown>>;

/** A number of 19 digits, the same for the same text in every run. */
export function numericId(text: string): string {
  return createHash('sha256').update(text).digest().readBigUInt64BE(0).toString().padStart(19, '1').slice(0, 19);
}

export interface Fingerprints {
  readonly nic: string;
  readonly instance: string;
}

/** A machine that is stopped is called terminated here; one that was deleted is not shown at all. */
const STATUS = { running: 'RUNNING', stopped: 'TERMINATED' } as const;

/** What is empty is left out, as Compute Engine does. */
export function renderInstance(
  nic: Nic,
  config: CloudConfig,
  fingerprints: Fingerprints,
  state: MachineState = 'running',
): Json {
  const [zone = ''] = /^projects\/[^/]+\/zones\/[^/]+/.exec(nic.instanceId) ?? [];
  const aliasIpRanges = nic.secondaries.map(({ address }) => ({ ipCidrRange: `${address}/32` }));
  const accessConfig = { type: 'ONE_TO_ONE_NAT', name: 'External NAT', natIP: nic.publicIp, networkTier: 'PREMIUM' };
  return {
    kind: 'compute#instance',
    id: numericId(nic.instanceId),
    name: nic.name,
    zone: linkTo(zone),
    machineType: linkTo(`${zone}/machineTypes/${nic.type}`),
    status: state === 'terminated' ? 'STOPPING' : STATUS[state],
    canIpForward: nic.forwarding,
    fingerprint: fingerprints.instance,
    networkInterfaces: [
      {
        kind: 'compute#networkInterface',
        name: NIC_NAME,
        network: linkTo(`projects/${config.account}/global/networks/${config.scope}`),
        subnetwork: linkTo(config.subnet.id),
        networkIP: nic.primary,
        stackType: 'IPV4_ONLY',
        fingerprint: fingerprints.nic,
        ...(aliasIpRanges.length === 0 ? {} : { aliasIpRanges }),
        ...(nic.publicIp === undefined ? {} : { accessConfigs: [accessConfig] }),
      },
    ],
    selfLink: linkTo(nic.instanceId),
  };
}

const patchBody = z.strictObject({
  fingerprint: z.string().optional(),
  aliasIpRanges: z
    .array(z.strictObject({ ipCidrRange: z.string(), subnetworkRangeName: z.string().optional() }))
    .optional(),
});

export interface NicPatch {
  readonly fingerprint: string;
  /** The whole list; `undefined` leaves it as it is. */
  readonly addresses: readonly string[] | undefined;
}

/** A list that is absent leaves the ranges as they are, an empty one clears them. */
export function parseNicPatch(body: string, subnet: Subnet): Result<NicPatch, GcpFault> {
  const parsed = patchBody.safeParse(jsonOf(body));
  if (!parsed.success) return err(malformed(z.prettifyError(parsed.error)));
  const { fingerprint, aliasIpRanges } = parsed.data;
  if (fingerprint === undefined || fingerprint === '') {
    const why = "Required field 'resource.fingerprint' not specified";
    return err(gcpFault(400, 'required', why));
  }
  if (aliasIpRanges === undefined) return ok({ fingerprint, addresses: undefined });
  if (aliasIpRanges.length > ALIAS_RANGES_MAX) {
    const why = `A network interface cannot have more than ${ALIAS_RANGES_MAX} alias IP ranges.`;
    return err(gcpFault(400, 'limitExceeded', why));
  }
  const addresses: string[] = [];
  for (const [index, { ipCidrRange, subnetworkRangeName }] of aliasIpRanges.entries()) {
    const field = `resource.aliasIpRanges[${index}]`;
    if (subnetworkRangeName !== undefined) {
      const why = 'The subnetwork has no secondary range of that name.';
      return err(invalidValue(`${field}.subnetworkRangeName`, subnetworkRangeName, why));
    }
    const refusal = refusalOf(ipCidrRange, subnet);
    if (refusal !== undefined) return err(invalidValue(`${field}.ipCidrRange`, ipCidrRange, refusal));
    addresses.push(ipCidrRange.replace(/\/32$/, ''));
  }
  const twice = addresses.find((address, index) => addresses.indexOf(address) !== index);
  if (twice !== undefined) {
    return err(invalidValue('resource.aliasIpRanges', twice, 'Alias IP ranges overlap with each other.'));
  }
  return ok({ fingerprint, addresses });
}

function refusalOf(range: string, subnet: Subnet): string | undefined {
  const address = range.replace(/\/32$/, '');
  if (!parseIpv4(address).ok) return 'The lab has alias ranges of one address, such as 10.0.0.10/32.';
  if (!contains(subnet, address)) return 'The range has to be within a range of the subnetwork.';
  return isReserved(subnet, address) ? 'The range includes an address that the subnetwork reserves.' : undefined;
}

const testBody = z.strictObject({ permissions: z.array(z.string()).max(100) });

const updateBody = z.looseObject({
  name: z.string(),
  fingerprint: z.string().optional(),
  canIpForward: z.boolean().optional(),
  networkInterfaces: z.array(z.unknown()),
});

export interface InstanceUpdate {
  readonly name: string;
  readonly fingerprint: string;
  readonly canIpForward: boolean;
  readonly networkInterfaces: readonly unknown[];
}

/** A field that is left out returns to its default. */
export function parseInstanceUpdate(body: string): Result<InstanceUpdate, GcpFault> {
  const parsed = updateBody.safeParse(jsonOf(body));
  if (!parsed.success) return err(malformed(z.prettifyError(parsed.error)));
  const { name, fingerprint = '', canIpForward = false, networkInterfaces } = parsed.data;
  if (fingerprint === '') return err(gcpFault(400, 'required', "Required field 'resource.fingerprint' not specified"));
  return ok({ name, fingerprint, canIpForward, networkInterfaces });
}

/** Names of permissions; at most a hundred, as the API takes them. */
export function parseTestPermissions(body: string): Result<readonly string[], GcpFault> {
  const parsed = testBody.safeParse(jsonOf(body));
  return parsed.success ? ok(parsed.data.permissions) : err(malformed(z.prettifyError(parsed.error)));
}

function malformed(detail: string): GcpFault {
  return gcpFault(400, 'badRequest', `Invalid JSON payload received. ${detail}`);
}
