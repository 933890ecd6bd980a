/** The EC2 instance metadata service, version 2 only (EC2 User Guide, "Use the Instance Metadata Service"). */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@routerd/runtime';
import type { Nic } from '../address-space.ts';
import type { CloudConfig } from '../cloud-config.ts';
import type { ControlPlane } from '../control-plane.ts';
import { listingOf, nodeAt, type MetadataFolder } from '../metadata-tree.ts';
import {
  headerOf,
  type AdmittedCall,
  type RefusedCall,
  type Service,
  type WireReply,
  type WireRequest,
} from '../wire.ts';
import type { CredentialStore } from './credentials.ts';

const ROLE = 'routerd-router';
const TTL_SECONDS_MAX = 21_600;

export interface MetadataParts {
  readonly plane: ControlPlane;
  readonly credentials: CredentialStore;
  /** Addresses of a device as packets meet them: `local-ipv4s` tells when a remap is finished. */
  readonly reached: (device: string) => readonly string[];
}

interface IssuedToken {
  readonly instance: string;
  readonly expiresAt: number;
}

export class AwsMetadataService implements Service {
  readonly name = 'imds';
  readonly #parts: MetadataParts;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, IssuedToken>();

  constructor(parts: MetadataParts) {
    this.#parts = parts;
    this.#clock = parts.plane.clock;
  }

  admit(request: WireRequest): AdmittedCall | RefusedCall {
    const nic = [...this.#parts.plane.space.nics.values()].find(({ primary }) => primary === request.sourceAddress);
    const operation = `${request.method} ${request.path.replaceAll(/\/+/g, '/')}`;
    const call = { operation, principal: nic?.name ?? 'unknown', parameters: {}, mutating: false };
    if (nic === undefined || headerOf(request, 'x-forwarded-for') !== undefined) {
      return { ...call, refusal: text(403, 'Forbidden') };
    }
    if (operation === 'PUT /latest/api/token') return { ...call, perform: () => this.#issueToken(request, nic) };
    const token = this.#tokens.get(headerOf(request, 'x-aws-ec2-metadata-token') ?? '');
    if (token === undefined || token.instance !== nic.name || token.expiresAt <= this.#clock.now()) {
      return { ...call, refusal: text(401, 'Unauthorized') };
    }
    if (request.method !== 'GET') return { ...call, refusal: text(405, 'Method Not Allowed') };
    return { ...call, perform: () => this.#read(request.path, nic) };
  }

  throttled(): WireReply {
    return text(503, 'Service Unavailable');
  }

  failed(): WireReply {
    return text(500, 'Internal Server Error');
  }

  busy(): WireReply {
    return this.throttled();
  }

  /** No role is attached. */
  denied(): WireReply {
    return text(404, 'Not Found');
  }

  unauthenticated(): WireReply {
    return text(401, 'Unauthorized');
  }

  #issueToken(request: WireRequest, nic: Nic): WireReply {
    const header = headerOf(request, 'x-aws-ec2-metadata-token-ttl-seconds') ?? '';
    const seconds = Number(header);
    if (!/^\d+$/.test(header) || seconds < 1 || seconds > TTL_SECONDS_MAX) return text(400, 'Bad Request');
    const token = randomBytes(42).toString('base64');
    this.#tokens.set(token, { instance: nic.name, expiresAt: this.#clock.now() + seconds * 1000 });
    const reply = text(200, token);
    return { ...reply, headers: { ...reply.headers, 'x-aws-ec2-metadata-token-ttl-seconds': header } };
  }

  #read(path: string, nic: Nic): WireReply {
    const node = nodeAt({ latest: this.#tree(nic) }, path);
    if (node === undefined) return text(404, 'Not Found');
    return text(200, typeof node === 'string' ? node : listingOf(node));
  }

  #tree(nic: Nic): MetadataFolder {
    const { config } = this.#parts.plane;
    const mac = nic.mac.toLowerCase();
    return {
      dynamic: { 'instance-identity': { document: JSON.stringify(identityDocument(config, nic), undefined, 2) } },
      'meta-data': {
        'instance-id': nic.instanceId,
        'instance-type': nic.type,
        'local-ipv4': nic.primary,
        mac,
        placement: { 'availability-zone': zoneOf(config), region: config.region },
        network: { interfaces: { macs: { [mac]: this.#interface(nic) } } },
        ...(nic.permissions === 'router' ? { iam: this.#role(nic) } : {}),
      },
    };
  }

  #interface(nic: Nic): MetadataFolder {
    const { config } = this.#parts.plane;
    const reached = this.#parts.reached(nic.device);
    return {
      'device-number': '0',
      'interface-id': nic.id,
      'local-ipv4s': [nic.primary, ...reached.filter((address) => address !== nic.primary)].join('\n'),
      mac: nic.mac.toLowerCase(),
      'owner-id': config.account,
      'subnet-id': config.subnet.id,
      'subnet-ipv4-cidr-block': config.subnet.cidr,
      'vpc-id': config.scope,
      ...(nic.publicIp === undefined ? {} : { 'public-ipv4s': nic.publicIp }),
    };
  }

  #role(nic: Nic): MetadataFolder {
    const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = this.#parts.credentials.of(nic.name);
    const issued = {
      Code: 'Success',
      LastUpdated: new Date(this.#clock.now()).toISOString(),
      Type: 'AWS-HMAC',
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      Expiration: new Date(expiresAt).toISOString(),
    };
    return { 'security-credentials': { [ROLE]: JSON.stringify(issued, undefined, 2) } };
  }
}

export function zoneOf(config: CloudConfig): string {
  return `${config.region}a`;
}

function identityDocument(config: CloudConfig, nic: Nic): Readonly<Record<string, string>> {
  return {
    accountId: config.account,
    architecture: 'x86_64',
    availabilityZone: zoneOf(config),
    instanceId: nic.instanceId,
    instanceType: nic.type,
    privateIp: nic.primary,
    region: config.region,
    version: '2017-09-30',
  };
}

function text(status: number, body: string): WireReply {
  return { status, headers: { 'content-type': 'text/plain' }, body };
}
