/** `https://management.azure.com`: bearer tokens, resource ids without regard to case, the network resources of one resource group. */
import { contains, type Subnet } from '../subnet.ts';
import { freeAddresses, holderOf, isReserved, type Nic } from '../address-space.ts';
import type { CloudConfig } from '../cloud-config.ts';
import type { ControlPlane } from '../control-plane.ts';
import { isAllowed } from '../permissions.ts';
import {
  headerOf,
  type AdmittedCall,
  type OperationEnding,
  type RefusedCall,
  type Service,
  type WireReply,
  type WireRequest,
} from '../wire.ts';
import { armFault, armReply, faultReply, type ArmFault } from './arm-reply.ts';
import { renderMachines } from './machine-list.ts';
import { ipConfigurationId, parsePut, renderDocument, renderIpConfiguration } from './nic-document.ts';
import { nicsIn, type NicStore } from './nic-store.ts';
import type { TokenAuthority } from './tokens.ts';

/** Small, so that whoever does not follow `nextLink` is found out. */
const PAGE_SIZE = 2;

export interface ArmParts {
  readonly plane: ControlPlane;
  readonly tokens: TokenAuthority;
  readonly store: NicStore;
}

/** What a path and method come to, before anybody asks who is calling. */
interface Route {
  readonly operation: string;
  readonly mutating: boolean;
  /** Query parameters beside `api-version`. */
  readonly query: readonly string[];
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly perform: (principal: string, ending: OperationEnding) => WireReply;
  readonly overtake?: () => void;
}

export class ArmApi implements Service {
  readonly name = 'api';
  readonly #parts: ArmParts;

  constructor(parts: ArmParts) {
    this.#parts = parts;
  }

  async admit(request: WireRequest): Promise<AdmittedCall | RefusedCall> {
    const route = this.#route(request);
    const call = 'operation' in route ? route : { operation: `${request.method} ${request.path}`, mutating: false };
    const described = {
      operation: call.operation,
      mutating: call.mutating,
      parameters: 'parameters' in call ? call.parameters : {},
    };
    const refuse = (principal: string, fault: ArmFault): RefusedCall => ({
      ...described,
      principal,
      refusal: faultReply(fault),
    });
    const verified = await this.#parts.tokens.verify(headerOf(request, 'authorization'));
    if (!verified.ok) return refuse('unknown', verified.error);
    const principal = nicsIn(this.#parts.plane.space).find(({ instanceId }) => instanceId === verified.value)?.name;
    if (principal === undefined)
      return refuse('unknown', armFault(403, 'AuthorizationFailed', 'The client is unknown.'));
    const version = request.query.get('api-version');
    if (version === null) {
      const why = 'The api-version query parameter (?api-version=) is required for all requests.';
      return refuse(principal, armFault(400, 'MissingApiVersionParameter', why));
    }
    if (!/^\d{4}-\d\d-\d\d(-preview)?$/.test(version)) {
      return refuse(principal, armFault(400, 'InvalidApiVersionParameter', `The api-version '${version}' is invalid.`));
    }
    if (!('operation' in route)) return refuse(principal, route);
    const strange = [...request.query.keys()].find((name) => name !== 'api-version' && !route.query.includes(name));
    if (strange !== undefined) {
      return refuse(principal, armFault(400, 'InvalidQueryParameter', `The query parameter '${strange}' is unknown.`));
    }
    const { overtake } = route;
    return {
      ...described,
      principal,
      perform: (ending) => route.perform(principal, ending),
      ...(overtake === undefined ? {} : { overtake }),
    };
  }

  /** Whole seconds, and never too early. */
  throttled(afterMs = 1000): WireReply {
    const why = 'The request is being throttled as the limit has been reached for operation type.';
    return faultReply({
      ...armFault(429, 'TooManyRequests', why),
      headers: { 'retry-after': `${Math.ceil(afterMs / 1000)}` },
    });
  }

  rateHeaders(call: 'read' | 'write', left: number): Readonly<Record<string, string>> {
    return { [`x-ms-ratelimit-remaining-subscription-${call}s`]: `${left}` };
  }

  failed(): WireReply {
    return faultReply(armFault(500, 'InternalServerError', 'Encountered internal server error.'));
  }

  /** 429 as throttling is, without `Retry-After`: a lock, not a quota. */
  busy(): WireReply {
    const why = 'A retryable error occurred due to another operation on this or a dependent resource.';
    return faultReply(armFault(429, 'RetryableErrorDueToAnotherOperation', why));
  }

  denied({ principal, operation, mutating }: AdmittedCall, permission?: string): WireReply {
    if (permission !== undefined) return faultReply(lacking(principal, permission, this.#parts.plane.config));
    const [type = '', method = ''] = operation.split('.');
    const action = `Microsoft.Network/${type}/${mutating ? 'write' : 'read'}`;
    return faultReply(unauthorized(principal, action, `${this.#parts.plane.config.scope} (${method})`));
  }

  unauthenticated(): WireReply {
    return faultReply(armFault(401, 'InvalidAuthenticationToken', 'The access token is invalid.'));
  }

  #route(request: WireRequest): Route | ArmFault {
    const { config, space } = this.#parts.plane;
    const path = request.path.replace(/\/+$/, '').toLowerCase();
    const group = `/subscriptions/${config.account}/resourceGroups/${config.scope}`.toLowerCase();
    const subscription = `/subscriptions/${config.account}`.toLowerCase();
    const network = config.subnet.id.slice(0, config.subnet.id.toLowerCase().indexOf('/subnets/')).toLowerCase();
    const locations = `/subscriptions/${config.account}/providers/microsoft.network/locations/`.toLowerCase();
    const reading = (operation: string, perform: () => WireReply, query: readonly string[] = []): Route => ({
      operation,
      mutating: false,
      query,
      parameters: Object.fromEntries([...request.query].filter(([name]) => query.includes(name))),
      perform,
    });
    const nic = nicsIn(space).find(({ id }) => id.toLowerCase() === path);
    if (nic !== undefined && request.method === 'GET') {
      return reading('networkInterfaces.get', () => this.#nicReply(200, nic), ['$expand']);
    }
    if (nic !== undefined && request.method === 'PUT') return this.#putRoute(nic, request);
    const [, scope = ''] = /^(.*)\/providers\/microsoft\.authorization\/permissions$/.exec(path) ?? [];
    if (scope !== '' && request.method === 'GET') return permissionsRoute(this.#parts.plane, scope);
    if (request.method !== 'GET') return unsupported(request);
    if (path === `${group}/providers/microsoft.network/networkinterfaces`) {
      return reading('networkInterfaces.list', () => this.#list(request), ['$skiptoken']);
    }
    if (path === `${subscription}/providers/microsoft.network/networkinterfaces`) {
      return reading('networkInterfaces.listAll', () => this.#list(request), ['$skiptoken']);
    }
    if (path === `${subscription}/providers/microsoft.compute/virtualmachines`) {
      return reading('virtualMachines.listAll', () => this.#machines(request), ['$skiptoken', 'statusOnly']);
    }
    if (path === config.subnet.id.toLowerCase()) {
      return reading('subnets.get', () => this.#subnet(request.query.get('$expand')), ['$expand']);
    }
    if (path === `${network}/checkipaddressavailability`) {
      const address = request.query.get('ipAddress') ?? '';
      return reading('virtualNetworks.checkIPAddressAvailability', () => this.#availability(address), ['ipAddress']);
    }
    const [, operationId] = path.startsWith(locations) ? (/\/operations\/([^/]+)$/.exec(path) ?? []) : [];
    if (operationId !== undefined) return reading('operations.get', () => this.#operation(operationId));
    return notFound(path, group, config.scope);
  }

  #putRoute(nic: Nic, request: WireRequest): Route {
    const { plane, store } = this.#parts;
    const ifMatch = headerOf(request, 'if-match');
    const parsed = parsePut(request.body);
    const asked = parsed.ok ? parsed.value.properties : undefined;
    return {
      operation: 'networkInterfaces.put',
      mutating: true,
      query: [],
      parameters: {
        nicId: nic.id,
        ifMatch,
        enableIPForwarding: asked?.enableIPForwarding,
        ipConfigurations: asked?.ipConfigurations.map(({ name, properties }) => [name, properties.privateIPAddress]),
      },
      overtake: () => store.touch(nic),
      perform: (principal, ending) => {
        if (nic.permissions !== 'router') return faultReply(denied(principal, nic));
        if (!parsed.ok) return faultReply(parsed.error);
        if (parsed.value.location.toLowerCase() !== plane.config.region.toLowerCase()) {
          const why = `The resource already exists in location '${plane.config.region}'.`;
          return faultReply(armFault(409, 'InvalidResourceLocation', why));
        }
        const accepted = store.put(nic, parsed.value, { ending, ...(ifMatch === undefined ? {} : { ifMatch }) });
        if (!accepted.ok) return faultReply(accepted.error);
        const { account, region } = plane.config;
        const where = `/subscriptions/${account}/providers/Microsoft.Network/locations/${region}`;
        const version = request.query.get('api-version') ?? '';
        const host = `https://${headerOf(request, 'host') ?? ''}`;
        return this.#nicReply(200, nic, {
          'azure-asyncoperation': `${host}${where}/operations/${accepted.value.id}?api-version=${version}`,
          ...this.#retryAfter(),
        });
      },
    };
  }

  /** Whole seconds, as the header has it. Operations of the lab are shorter than one: 0 leaves the pace to the client. */
  #retryAfter(): Readonly<Record<string, string>> {
    return { 'retry-after': `${Math.floor(this.#parts.plane.mutationMs / 1000)}` };
  }

  #nicReply(status: number, nic: Nic, headers: Readonly<Record<string, string>> = {}): WireReply {
    const { store } = this.#parts;
    const current = this.#parts.plane.space.nics.get(nic.id) ?? nic;
    const body = renderDocument(store.read(current).document, store.context(current));
    return armReply(status, body, { etag: store.context(current).etag, ...headers });
  }

  #list(request: WireRequest): WireReply {
    const { plane, store } = this.#parts;
    return pageReply(request, nicsIn(plane.seen), (nic) => renderDocument(store.documentThen(nic), store.context(nic)));
  }

  /** Without `statusOnly` the real listing tells no power state. */
  #machines(request: WireRequest): WireReply {
    const { seen, config } = this.#parts.plane;
    if (request.query.get('statusOnly') !== 'true') {
      const why = 'Machines are listed here for their status alone: statusOnly=true.';
      return faultReply(armFault(400, 'InvalidParameter', why));
    }
    return pageReply(request, renderMachines(seen, config), (machine) => machine);
  }

  /** Entries are mere ids unless they are asked to be expanded. */
  #subnet(expand: string | null): WireReply {
    const { plane, store } = this.#parts;
    const { id, cidr } = plane.config.subnet;
    const entries = nicsIn(plane.seen).flatMap((nic) =>
      store
        .documentThen(nic)
        .ipConfigurations.map((entry) =>
          expand?.toLowerCase() === 'ipconfigurations'
            ? renderIpConfiguration(entry, store.context(nic))
            : { id: ipConfigurationId(nic, entry.name) },
        ),
    );
    const properties = { provisioningState: 'Succeeded', addressPrefix: cidr, ipConfigurations: entries };
    return armReply(200, { name: id.slice(id.lastIndexOf('/') + 1), id, properties });
  }

  #availability(address: string): WireReply {
    const { space } = this.#parts.plane;
    const subnet: Subnet = space.subnet;
    if (!contains(subnet, address)) {
      const why = `IP address ${address} does not belong to the virtual network's address space.`;
      return faultReply(armFault(400, 'PrivateIPAddressNotInAnySubnet', why));
    }
    const isPlatformReserved = isReserved(subnet, address);
    const available = !isPlatformReserved && holderOf(space, address) === undefined;
    return armReply(200, {
      available,
      isPlatformReserved,
      ...(available ? {} : { availableIPAddresses: freeAddresses(space).slice(0, 5) }),
    });
  }

  #operation(id: string): WireReply {
    const operation = this.#parts.store.operation(id);
    if (operation === undefined) {
      return faultReply(armFault(404, 'OperationNotFound', `The operation ${id} was not found.`));
    }
    const { status, error } = operation;
    const headers = status === 'InProgress' ? this.#retryAfter() : {};
    return armReply(200, { status, ...(error === undefined ? {} : { error: { ...error, details: [] } }) }, headers);
  }
}

function pageReply<T>(request: WireRequest, all: readonly T[], render: (item: T) => unknown): WireReply {
  const start = Number(request.query.get('$skiptoken') ?? 0);
  const end = start + PAGE_SIZE;
  const next = new URL(request.target, `https://${headerOf(request, 'host') ?? ''}`);
  next.searchParams.set('$skiptoken', `${end}`);
  const value = all.slice(start, end).map(render);
  return armReply(200, { value, ...(end < all.length ? { nextLink: next.href } : {}) });
}

/** `Permissions - List For Resource`: what the caller may do there, needed by nobody to ask about itself. */
function permissionsRoute(plane: ControlPlane, scope: string): Route {
  const nic = nicsIn(plane.space).find(({ id }) => id.toLowerCase() === scope);
  const isKnown = nic !== undefined || scope === plane.config.subnet.id.toLowerCase();
  const actionsFor = (principal: string): readonly string[] =>
    GRANTED.flatMap(({ action, operation }) => {
      const mutating = operation === 'networkInterfaces.put';
      const isRefused = plane.isDenied({ operation, principal, mutating }) || (mutating && nic?.permissions === 'none');
      return isRefused || !isAllowed(action, plane.knobs.permissions) ? [] : [action];
    });
  return {
    operation: 'permissions.list',
    mutating: false,
    query: [],
    parameters: { scope },
    perform: (principal) =>
      isKnown
        ? armReply(200, { value: [{ actions: actionsFor(principal), notActions: [], dataActions: [] }] })
        : faultReply(armFault(404, 'ResourceNotFound', `The resource '${scope}' was not found.`)),
  };
}

/** What the routers' role has, and what of the API shows that it has been taken away. */
const GRANTED = [
  { action: 'Microsoft.Network/networkInterfaces/read', operation: 'networkInterfaces.get' },
  { action: 'Microsoft.Network/networkInterfaces/write', operation: 'networkInterfaces.put' },
  { action: 'Microsoft.Network/virtualNetworks/subnets/read', operation: 'subnets.get' },
  { action: 'Microsoft.Network/virtualNetworks/subnets/join/action', operation: 'networkInterfaces.put' },
  { action: 'Microsoft.Network/locations/operations/read', operation: 'operations.get' },
] as const;

/** What a resource is joined to is checked apart, and refused by another code. */
function lacking(principal: string, permission: string, { scope, subnet }: CloudConfig): ArmFault {
  if (!permission.endsWith('/join/action')) return unauthorized(principal, permission, scope);
  const why = `has permission to perform action 'Microsoft.Network/networkInterfaces/write'; however, it does not have permission to perform`;
  const what = `action '${permission}' on the linked scope '${subnet.id}' or the linked scope is invalid.`;
  return armFault(403, 'LinkedAuthorizationFailed', `The client '${principal}' ${why} ${what}`);
}

function denied(principal: string, nic: Nic): ArmFault {
  return unauthorized(principal, 'Microsoft.Network/networkInterfaces/write', nic.id);
}

function unauthorized(principal: string, action: string, scope: string): ArmFault {
  const why = `does not have authorization to perform action '${action}' over scope '${scope}'`;
  return armFault(403, 'AuthorizationFailed', `The client '${principal}' ${why} or the scope is invalid.`);
}

function unsupported({ method, path }: WireRequest): ArmFault {
  return armFault(405, 'HttpMethodNotSupported', `${method} is not supported on ${path}.`);
}

function notFound(path: string, group: string, scope: string): ArmFault {
  if (path.startsWith(`${group}/`)) {
    const [, resource = path] = /\/providers\/(.*)$/.exec(path) ?? [];
    return armFault(
      404,
      'ResourceNotFound',
      `The Resource '${resource}' under resource group '${scope}' was not found.`,
    );
  }
  const subscription = group.slice(0, group.indexOf('/resourcegroups'));
  if (path.startsWith(`${subscription}/`)) {
    return armFault(404, 'ResourceGroupNotFound', 'The resource group could not be found.');
  }
  return armFault(404, 'SubscriptionNotFound', 'The subscription could not be found.');
}
