/** The metadata server: `Metadata-Flavor: Google` in both directions, tokens of the service account, the NIC as the host knows it. */
import { createHash } from 'node:crypto';
import type { Nic } from '../address-space.ts';
import type { ControlPlane } from '../control-plane.ts';
import {
  headerOf,
  type AdmittedCall,
  type RefusedCall,
  type Service,
  type WireReply,
  type WireRequest,
} from '../wire.ts';
import { SCOPES, type AccessTokens } from './access-tokens.ts';
import { numericId } from './instance-document.ts';

const ROOT = '/computeMetadata/v1/';
const FLAVOR = { 'metadata-flavor': 'Google', server: 'Metadata Server for VM' } as const;

export interface MetadataParts {
  readonly plane: ControlPlane;
  readonly tokens: AccessTokens;
  /** Addresses that the fabric brings to a device now. */
  readonly reached: (device: string) => readonly string[];
  /** Calls back after each change of the fabric. @returns what ends that */
  readonly onFabricChange: (listener: () => void) => () => void;
}

/** A folder lists its children; `recursive` shows it whole. */
type Value = string | number | readonly Value[] | { readonly [name: string]: Value };

export class GcpMetadataServer implements Service {
  readonly name = 'imds';
  readonly #parts: MetadataParts;

  constructor(parts: MetadataParts) {
    this.#parts = parts;
  }

  admit(request: WireRequest): AdmittedCall | RefusedCall {
    const nic = [...this.#parts.plane.space.nics.values()].find(({ primary }) => primary === request.sourceAddress);
    const call = {
      operation: `${request.method} ${request.path.replace(/(?<=.)\/+$/, '')}`,
      principal: nic?.name ?? 'unknown',
      parameters: {},
      mutating: false,
    };
    const refuse = (status: number, why: string): RefusedCall => ({ ...call, refusal: textReply(status, why) });
    if (nic === undefined || headerOf(request, 'x-forwarded-for') !== undefined) return refuse(403, 'Forbidden');
    if (request.method !== 'GET') return refuse(405, 'Method Not Allowed');
    if (request.path === '/') return { ...call, perform: () => textReply(200, 'computeMetadata/\n') };
    if (headerOf(request, 'metadata-flavor')?.toLowerCase() !== 'google') {
      return refuse(403, 'Missing Metadata-Flavor:Google header.');
    }
    if (!request.path.startsWith(ROOT)) return refuse(404, 'Not Found');
    const path = request.path
      .slice(ROOT.length)
      .split('/')
      .filter((segment) => segment !== '');
    return { ...call, perform: async () => this.#answer(nic, path, request) };
  }

  throttled(): WireReply {
    return textReply(429, 'Too Many Requests');
  }

  failed(): WireReply {
    return textReply(503, 'Service Unavailable');
  }

  busy(): WireReply {
    return this.failed();
  }

  /** No service account is attached. */
  denied(): WireReply {
    return textReply(404, 'Not Found');
  }

  unauthenticated(): WireReply {
    return textReply(403, 'Forbidden');
  }

  async #answer(nic: Nic, path: readonly string[], { query, path: asked }: WireRequest): Promise<WireReply> {
    const [first, second, , leaf] = path;
    if (first === 'instance' && second === 'service-accounts' && leaf === 'token') return this.#token(nic, path[2]);
    const read = (): WireReply => {
      const value = valueAt(this.#tree(nic), path);
      return value === undefined ? textReply(404, 'Not Found') : shown(value, query, asked);
    };
    if (query.get('wait_for_change') !== 'true') return read();
    const before = query.get('last_etag') ?? read().headers?.['etag'];
    await this.#changeFrom(() => read().headers?.['etag'] !== before, Number(query.get('timeout_sec') ?? 0));
    return read();
  }

  /** @param timeoutSeconds 0 waits for ever */
  async #changeFrom(isChanged: () => boolean, timeoutSeconds: number): Promise<void> {
    if (isChanged()) return;
    const { onFabricChange, plane } = this.#parts;
    await new Promise<void>((resolve) => {
      const end = onFabricChange(() => {
        if (isChanged()) done();
      });
      const done = (): void => {
        end();
        resolve();
      };
      const giveUp = async (): Promise<void> => {
        await plane.pause(timeoutSeconds * 1000);
        done();
      };
      if (timeoutSeconds > 0) void giveUp();
    });
  }

  #token(nic: Nic, account: string | undefined): WireReply {
    if (nic.permissions === 'none' || (account !== 'default' && account !== emailOf(nic))) {
      return textReply(404, 'Not Found');
    }
    const { token, lifetimeSeconds } = this.#parts.tokens.issue(nic);
    return json(200, { access_token: token, expires_in: lifetimeSeconds, token_type: 'Bearer' });
  }

  #tree(nic: Nic): Value {
    const { config } = this.#parts.plane;
    const number = numericId(config.account).slice(0, 12);
    const [, zone = ''] = /\/(zones\/[^/]+)\//.exec(nic.instanceId) ?? [];
    const account = { aliases: ['default'], email: emailOf(nic), scopes: SCOPES };
    const aliases = this.#parts.reached(nic.device).filter((address) => address !== nic.primary);
    return {
      instance: {
        hostname: `${nic.name}.c.${config.account}.internal`,
        id: numericId(nic.instanceId),
        'machine-type': `projects/${number}/machineTypes/${nic.type}`,
        name: nic.name,
        'network-interfaces': {
          '0': {
            gateway: config.subnet.gateway,
            ip: nic.primary,
            'ip-aliases': aliases.toSorted().map((address) => `${address}/32`),
            mac: nic.mac,
            network: `projects/${number}/networks/${config.scope}`,
            subnetmask: '255.255.255.0',
          },
        },
        'service-accounts': nic.permissions === 'none' ? {} : { default: account, [emailOf(nic)]: account },
        zone: `projects/${number}/${zone}`,
      },
      project: { 'numeric-project-id': number, 'project-id': config.account },
    };
  }
}

function emailOf({ name }: Nic): string {
  return `${name}@cloudedge-lab.iam.gserviceaccount.com`;
}

function valueAt(root: Value, path: readonly string[]): Value | undefined {
  let value: Value | undefined = root;
  for (const segment of path) {
    if (typeof value !== 'object') return undefined;
    value = Object.entries(value).find(([name]) => name === segment)?.[1];
  }
  return value;
}

function shown(value: Value, query: URLSearchParams, asked: string): WireReply {
  if (query.get('recursive') === 'true' && query.get('alt') !== 'text') return json(200, recursively(value));
  if (typeof value !== 'object') return textReply(200, `${value}`);
  if (isList(value)) return textReply(200, value.map((each) => JSON.stringify(each).replaceAll('"', '')).join('\n'));
  if (!asked.endsWith('/')) return textReply(301, `${asked}/`, { location: `${asked}/` });
  const names = Object.entries(value).map(([name, child]) =>
    typeof child === 'object' && !isList(child) ? `${name}/` : name,
  );
  return textReply(200, names.map((name) => `${name}\n`).join(''));
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** The metadata server writes names in camel case, and what is numbered as a list. */
function recursively(value: Value): Value {
  if (typeof value !== 'object') return value;
  if (isList(value)) return value.map(recursively);
  const entries = Object.entries(value);
  if (entries.length > 0 && entries.every(([name]) => /^\d+$/.test(name)))
    return entries.map(([, each]) => recursively(each));
  const camel = (name: string): string =>
    name.includes('@') ? name : name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(entries.map(([name, child]) => [camel(name), recursively(child)]));
}

function json(status: number, body: Value): WireReply {
  return withEtag(status, JSON.stringify(body), { 'content-type': 'application/json' });
}

function textReply(status: number, body: string, headers: Readonly<Record<string, string>> = {}): WireReply {
  return withEtag(status, body, { 'content-type': 'application/text', ...headers });
}

function withEtag(status: number, body: string, headers: Readonly<Record<string, string>>): WireReply {
  const etag = createHash('sha256').update(body).digest('hex').slice(0, 16);
  return { status, headers: { ...FLAVOR, etag, ...headers }, body };
}
