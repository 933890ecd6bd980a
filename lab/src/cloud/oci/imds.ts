/** OCI's instance metadata service, version 2. */
import type { Nic } from '../address-space.ts';
import type { CloudConfig } from '../cloud-config.ts';
import type { ControlPlane } from '../control-plane.ts';
import {
  headerOf,
  jsonReply,
  type AdmittedCall,
  type RefusedCall,
  type Service,
  type WireReply,
  type WireRequest,
} from '../wire.ts';

/** PEM texts of one instance. */
export interface InstanceIdentity {
  readonly cert: string;
  readonly key: string;
  readonly intermediate: string;
}

export interface MetadataParts {
  readonly plane: ControlPlane;
  /** By instance OCID; instances without an identity are not in it. */
  readonly identities: ReadonlyMap<string, InstanceIdentity>;
}

const FORWARDING_HEADERS = ['x-forwarded-for', 'forwarded', 'x-forwarded-host', 'x-forwarded-proto', 'via'];

export class OciMetadataService implements Service {
  readonly name = 'imds';
  readonly #parts: MetadataParts;

  constructor(parts: MetadataParts) {
    this.#parts = parts;
  }

  admit(request: WireRequest): AdmittedCall | RefusedCall {
    const nic = [...this.#parts.plane.space.nics.values()].find(({ primary }) => primary === request.sourceAddress);
    const path = request.path.replaceAll(/\/+/g, '/').replace(/\/$/, '');
    const call = {
      operation: `${request.method} ${path}`,
      principal: nic?.name ?? 'unknown',
      parameters: {},
      mutating: false,
    };
    const forwarded = FORWARDING_HEADERS.some((name) => headerOf(request, name) !== undefined);
    if (nic === undefined || forwarded || headerOf(request, 'authorization') !== 'Bearer Oracle') {
      return { ...call, refusal: text(403, 'Forbidden') };
    }
    if (request.method !== 'GET') return { ...call, refusal: text(405, 'Method Not Allowed') };
    return { ...call, perform: () => replyAt(this.#tree(nic), path) };
  }

  throttled(): WireReply {
    return text(429, 'Too Many Requests');
  }

  failed(): WireReply {
    return text(500, 'Internal Server Error');
  }

  busy(): WireReply {
    return this.throttled();
  }

  /** The instance has no principal. */
  denied(): WireReply {
    return text(404, 'Not Found');
  }

  unauthenticated(): WireReply {
    return text(403, 'Forbidden');
  }

  #tree(nic: Nic): Folder {
    const { config } = this.#parts.plane;
    const identity = this.#parts.identities.get(nic.instanceId);
    return {
      opc: {
        v2: {
          instance: instanceDocument(nic, config),
          vnics: [vnicDocument(nic, config)],
          ...(identity === undefined ? {} : { identity: identityFiles(identity) }),
        },
      },
    };
  }
}

type Value = string | number | readonly Value[] | Folder;
interface Folder {
  readonly [name: string]: Value;
}

/** Leaves are plain text, everything above is JSON. */
function replyAt(root: Folder, path: string): WireReply {
  let value: Value | undefined = root;
  for (const segment of path.split('/').filter((each) => each !== '')) {
    value =
      typeof value === 'object' && Object.hasOwn(value, segment)
        ? Object.entries(value).find(([name]) => name === segment)?.[1]
        : undefined;
  }
  if (value === undefined) return text(404, 'Not Found');
  return typeof value === 'object' ? jsonReply(200, value) : text(200, `${value}`);
}

function identityFiles({ cert, key, intermediate }: InstanceIdentity): Folder {
  return { 'cert.pem': cert, 'key.pem': key, 'intermediate.pem': intermediate };
}

export function availabilityDomainOf(config: CloudConfig): string {
  return `lab:${config.region.toUpperCase()}-AD-1`;
}

function instanceDocument(nic: Nic, config: CloudConfig): Folder {
  return {
    id: nic.instanceId,
    displayName: nic.name,
    hostname: nic.name,
    compartmentId: config.scope,
    tenantId: config.account,
    availabilityDomain: availabilityDomainOf(config),
    shape: nic.type,
    state: 'Running',
    region: config.region,
    canonicalRegionName: config.region,
    regionInfo: { realmKey: 'oc1', realmDomainComponent: 'oraclecloud.com', regionIdentifier: config.region },
  };
}

/** Only the primary address: what is assigned later cannot be seen here. */
function vnicDocument(nic: Nic, config: CloudConfig): Folder {
  return {
    vnicId: nic.id,
    privateIp: nic.primary,
    macAddr: nic.mac,
    subnetCidrBlock: config.subnet.cidr,
    virtualRouterIp: config.subnet.gateway,
    vlanTag: 0,
  };
}

function text(status: number, body: string): WireReply {
  return { status, headers: { 'content-type': 'text/plain' }, body };
}
