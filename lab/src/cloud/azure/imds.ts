/** Azure's instance metadata service: managed identity tokens and the instance document. */
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
import { stableUuid } from './stable-uuid.ts';
import { AUDIENCES, SERVICE_BUS_AUDIENCES, type TokenAuthority } from './tokens.ts';

const API_VERSION = /^\d{4}-\d\d-\d\d$/;

export interface MetadataParts {
  readonly plane: ControlPlane;
  readonly tokens: TokenAuthority;
  readonly reached: (device: string) => readonly string[];
}

export class AzureMetadataService implements Service {
  readonly name = 'imds';
  readonly #parts: MetadataParts;

  constructor(parts: MetadataParts) {
    this.#parts = parts;
  }

  admit(request: WireRequest): AdmittedCall | RefusedCall {
    const nic = [...this.#parts.plane.space.nics.values()].find(({ primary }) => primary === request.sourceAddress);
    const path = request.path.replace(/\/+$/, '').toLowerCase(); // the SDK asks with and without a slash at the end
    const operation = `${request.method} ${path}`;
    const parameters = { resource: request.query.get('resource') ?? '' };
    const call = { operation, principal: nic?.name ?? 'unknown', parameters, mutating: false };
    const refuse = (status: number, why: string): RefusedCall => ({ ...call, refusal: refusal(status, why) });
    if (nic === undefined || headerOf(request, 'x-forwarded-for') !== undefined) return refuse(403, 'Forbidden');
    if (headerOf(request, 'metadata')?.toLowerCase() !== 'true') {
      return refuse(400, 'Required metadata header not specified');
    }
    if (!API_VERSION.test(request.query.get('api-version') ?? '')) {
      return refuse(400, 'Bad request. api-version is invalid or was not specified in the request.');
    }
    switch (operation) {
      case 'GET /metadata/identity/oauth2/token':
        return { ...call, perform: async () => this.#token(nic, parameters.resource) };
      default:
        if (!/^GET \/metadata\/instance(\/|$)/.test(operation)) return refuse(404, 'Not found');
        return { ...call, perform: () => partOf(this.#instance(nic), path.split('/').slice(3)) };
    }
  }

  throttled(): WireReply {
    return refusal(429, 'Too many requests');
  }

  failed(): WireReply {
    return refusal(500, 'Internal server error');
  }

  busy(): WireReply {
    return this.throttled();
  }

  denied(): WireReply {
    return refusal(400, 'Identity not found');
  }

  unauthenticated(): WireReply {
    return refusal(403, 'Forbidden');
  }

  async #token(nic: Nic, resource: string): Promise<WireReply> {
    if (nic.permissions === 'none') return refusal(400, 'Identity not found');
    if (![...AUDIENCES, ...SERVICE_BUS_AUDIENCES].includes(resource)) {
      const why = `AADSTS500011: The resource principal named ${resource} was not found in the tenant.`;
      return jsonReply(400, { error: 'invalid_resource', error_description: why });
    }
    const { token, notBefore, expiresOn, lifetimeSeconds } = await this.#parts.tokens.issue(nic.instanceId, resource);
    return jsonReply(200, {
      access_token: token,
      client_id: stableUuid(`client ${nic.instanceId}`),
      expires_in: `${lifetimeSeconds}`,
      expires_on: `${expiresOn}`,
      ext_expires_in: `${lifetimeSeconds}`,
      not_before: `${notBefore}`,
      resource,
      token_type: 'Bearer',
    });
  }

  #instance(nic: Nic): unknown {
    const { config } = this.#parts.plane;
    const addresses = [nic.primary, ...this.#parts.reached(nic.device).filter((address) => address !== nic.primary)];
    return {
      compute: {
        azEnvironment: 'AzurePublicCloud',
        location: config.region,
        name: nic.name,
        osType: 'Linux',
        provider: 'Microsoft.Compute',
        resourceGroupName: config.scope,
        resourceId: nic.instanceId,
        subscriptionId: config.account,
        vmId: stableUuid(`vm ${nic.instanceId}`),
        vmSize: nic.type,
        zone: '1',
      },
      network: { interface: [this.#interface(nic, addresses, config)] },
    };
  }

  #interface(nic: Nic, addresses: readonly string[], config: CloudConfig): unknown {
    const [address = '', prefix = ''] = config.subnet.cidr.split('/');
    const publicOf = (each: string): string => (each === nic.primary ? (nic.publicIp ?? '') : '');
    return {
      ipv4: {
        ipAddress: addresses.map((each) => ({ privateIpAddress: each, publicIpAddress: publicOf(each) })),
        subnet: [{ address, prefix }],
      },
      ipv6: { ipAddress: [] },
      macAddress: nic.mac.replaceAll(':', '').toUpperCase(),
    };
  }
}

/** `/metadata/instance/compute/location` and the like; names without regard to case, leaves as plain text. */
function partOf(document: unknown, segments: readonly string[]): WireReply {
  let part = document;
  for (const segment of segments) {
    const children: readonly (readonly [string, unknown])[] =
      typeof part === 'object' && part !== null ? Object.entries(part) : [];
    part = children.find(([name]) => name.toLowerCase() === segment)?.[1];
  }
  if (part === undefined) return refusal(404, 'Not found');
  return typeof part === 'string'
    ? { status: 200, headers: { 'content-type': 'text/plain' }, body: part }
    : jsonReply(200, part);
}

function refusal(status: number, why: string): WireReply {
  return jsonReply(status, { error: status === 400 ? 'invalid_request' : `${status}`, error_description: why });
}
