/** `https://compute.googleapis.com/compute/v1`: bearer tokens, instances of one zone, zone operations. */
import { setTimeout as delay } from 'node:timers/promises';
import { assign, setForwarding, unassign, type AddressSpace, type Nic, type SpaceResult } from '../address-space.ts';
import type { ControlPlane } from '../control-plane.ts';
import { isAllowed } from '../permissions.ts';
import {
  headerOf,
  jsonReply,
  type AdmittedCall,
  type OperationEnding,
  type RefusedCall,
  type Service,
  type WireReply,
  type WireRequest,
} from '../wire.ts';
import type { AccessTokens } from './access-tokens.ts';
import { faultReply, gcpFault, invalidValue, linkTo, type GcpFault } from './gcp-reply.ts';
import {
  NIC_NAME,
  parseInstanceUpdate,
  parseNicPatch,
  parseTestPermissions,
  renderInstance,
  type Json,
} from './instance-document.ts';
import { renderOperation, type InstanceStore, type ZoneOperation } from './instance-store.ts';

/** Small, so that whoever does not follow `nextPageToken` is found out. */
const PAGE_SIZE = 2;
/** Compute Engine, `zoneOperations.wait`: at most two minutes. */
const WAIT_LIMIT_MS = 120_000;
const UUID = /^(?!0{8}-0{4}-0{4}-0{4}-0{12}$)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface ComputeParts {
  readonly plane: ControlPlane;
  readonly tokens: AccessTokens;
  readonly store: InstanceStore;
}

/** What the routers' role has. */
const GRANTED = new Set([
  'compute.instances.get',
  'compute.instances.list',
  'compute.instances.update',
  'compute.instances.updateNetworkInterface',
  'compute.subnetworks.use',
  'compute.zoneOperations.get',
]);

/** What a path and method come to, before anybody asks who is calling. */
interface Route {
  readonly operation: string;
  readonly mutating: boolean;
  readonly query: readonly string[];
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly perform: (principal: string, ending: OperationEnding) => WireReply | Promise<WireReply>;
  readonly overtake?: () => void;
}

export class ComputeApi implements Service {
  readonly name = 'api';
  readonly #parts: ComputeParts;

  constructor(parts: ComputeParts) {
    this.#parts = parts;
  }

  admit(request: WireRequest): AdmittedCall | RefusedCall {
    const route = this.#route(request);
    const described =
      'operation' in route
        ? { operation: route.operation, mutating: route.mutating, parameters: route.parameters }
        : { operation: `${request.method} ${request.path}`, mutating: false, parameters: {} };
    const refuse = (principal: string, fault: GcpFault): RefusedCall => ({
      ...described,
      principal,
      refusal: faultReply(fault),
    });
    const verified = this.#parts.tokens.verify(headerOf(request, 'authorization'));
    if (!verified.ok) return refuse('unknown', verified.error);
    const principal = verified.value;
    if (!('operation' in route)) return refuse(principal, route);
    const strange = [...request.query.keys()].find((name) => !route.query.includes(name));
    if (strange !== undefined) {
      return refuse(
        principal,
        gcpFault(400, 'invalidParameter', `Unknown name "${strange}": Cannot bind query parameter.`),
      );
    }
    const requestId = request.query.get('requestId');
    if (requestId !== null && !UUID.test(requestId)) {
      return refuse(principal, invalidValue('requestId', requestId, 'It has to be a UUID other than zero.'));
    }
    const { overtake } = route;
    return {
      ...described,
      principal,
      perform: (ending) => route.perform(principal, ending),
      ...(overtake === undefined ? {} : { overtake }),
    };
  }

  throttled(): WireReply {
    const fault = gcpFault(403, 'rateLimitExceeded', 'Rate Limit Exceeded'); // 403, as a missing permission has
    return faultReply({ ...fault, domain: 'usageLimits' });
  }

  failed(): WireReply {
    return faultReply(gcpFault(503, 'backendError', 'Backend Error'));
  }

  busy(): WireReply {
    return faultReply(gcpFault(400, 'resourceNotReady', 'The resource is not ready'));
  }

  denied({ operation }: AdmittedCall, permission = `compute.${operation}`): WireReply {
    const why = `Required '${permission}' permission for 'projects/${this.#parts.plane.config.account}'`;
    return faultReply(gcpFault(403, 'forbidden', why));
  }

  unauthenticated(): WireReply {
    return faultReply(gcpFault(401, 'authError', 'Request had invalid authentication credentials.'));
  }

  #route(request: WireRequest): Route | GcpFault {
    const [, name] = /^\/compute\/v1\/(.*)$/.exec(request.path) ?? [];
    if (name === undefined) return gcpFault(404, 'notFound', `The requested URL ${request.path} was not found.`);
    const { space, config } = this.#parts.plane;
    const nics = [...space.nics.values()];
    const [, instanceName = '', verb] =
      /^(projects\/[^/]+\/zones\/[^/]+\/instances\/[^/]+)(\/[^/]+)?$/.exec(name) ?? [];
    const nic = nics.find(({ instanceId }) => instanceId === instanceName);
    if (instanceName !== '') {
      if (nic === undefined) return notFound(instanceName);
      if (request.method === 'GET' && verb === undefined) {
        return reading('instances.get', () => jsonReply(200, this.#render(nic)), { instance: nic.name });
      }
      if (request.method === 'PUT' && verb === undefined) return this.#updateRoute(nic, request);
      if (request.method === 'PATCH' && verb === '/updateNetworkInterface') return this.#patchRoute(nic, request);
      if (request.method === 'POST' && verb === '/testIamPermissions') return this.#testRoute(nic, request);
    }
    if (request.method === 'POST' && name === `${config.subnet.id}/testIamPermissions`) {
      return this.#testRoute(undefined, request);
    }
    if (request.method === 'GET' && name === `projects/${config.account}/aggregated/instances`) {
      return reading('instances.aggregatedList', () => this.#list(request), {}, ['pageToken', 'maxResults']);
    }
    const [, operation, waiting] = /^projects\/[^/]+\/zones\/[^/]+\/operations\/([^/]+)(\/wait)?$/.exec(name) ?? [];
    if (operation !== undefined && request.method === (waiting === undefined ? 'GET' : 'POST')) {
      const isWait = waiting !== undefined;
      const perform = async (): Promise<WireReply> => this.#operation(operation, isWait);
      return reading(isWait ? 'zoneOperations.wait' : 'zoneOperations.get', perform);
    }
    return notFound(name);
  }

  /** Which of the permissions the caller has on the resource; needs none itself. */
  #testRoute(nic: Nic | undefined, request: WireRequest): Route {
    const asked = parseTestPermissions(request.body);
    const permissions = asked.ok ? asked.value : [];
    return {
      operation: nic === undefined ? 'subnetworks.testIamPermissions' : 'instances.testIamPermissions',
      mutating: false,
      query: [],
      parameters: { permissions },
      perform: (principal) => {
        if (!asked.ok) return faultReply(asked.error);
        const has = permissions.filter((permission) => this.#isGranted(permission, principal, nic));
        return jsonReply(200, has.length === 0 ? {} : { permissions: has });
      },
    };
  }

  #isGranted(permission: string, principal: string, nic: Nic | undefined): boolean {
    const operation = permission.replace(/^compute\./, '');
    const mutating = !/\.(get|list)$/.test(operation);
    if (mutating && nic?.permissions === 'none') return false;
    if (!isAllowed(permission, this.#parts.plane.knobs.permissions)) return false;
    return GRANTED.has(permission) && !this.#parts.plane.isDenied({ operation, principal, mutating });
  }

  #patchRoute(nic: Nic, request: WireRequest): Route {
    const { plane, store } = this.#parts;
    const parsed = parseNicPatch(request.body, plane.space.subnet);
    const nicName = request.query.get('networkInterface');
    return {
      operation: 'instances.updateNetworkInterface',
      mutating: true,
      query: ['networkInterface', 'requestId'],
      parameters: {
        instance: nic.name,
        requestId: request.query.get('requestId'),
        ...(parsed.ok ? { fingerprint: parsed.value.fingerprint, aliasIpRanges: parsed.value.addresses } : {}),
      },
      overtake: () => store.touch(nic),
      perform: (principal, ending) => {
        const current = plane.space.nics.get(nic.id) ?? nic;
        if (nic.permissions !== 'router') return faultReply(denied('updateNetworkInterface', nic));
        if (nicName !== NIC_NAME)
          return faultReply(invalidValue('networkInterface', nicName, 'There is no such interface.'));
        if (!parsed.ok) return faultReply(parsed.error);
        const { fingerprint, addresses } = parsed.value;
        return this.#accept(request, {
          nic: current,
          type: 'updateNetworkInterface',
          user: principal,
          ending,
          isCurrent: () => fingerprint === store.fingerprints(current).nic,
          decide: (space) => withAliases(space, nic.id, addresses, plane.knobs.addressesPerNicMax),
        });
      },
    };
  }

  #updateRoute(nic: Nic, request: WireRequest): Route {
    const { plane, store } = this.#parts;
    const parsed = parseInstanceUpdate(request.body);
    const allowed = request.query.get('mostDisruptiveAllowedAction') ?? 'RESTART';
    return {
      operation: 'instances.update',
      mutating: true,
      query: ['mostDisruptiveAllowedAction', 'minimalAction', 'requestId'],
      parameters: { instance: nic.name, allowed, canIpForward: parsed.ok ? parsed.value.canIpForward : undefined },
      overtake: () => store.touch(nic),
      perform: (principal, ending) => {
        const current = plane.space.nics.get(nic.id) ?? nic;
        if (nic.permissions !== 'router') return faultReply(denied('update', nic));
        if (!parsed.ok) return faultReply(parsed.error);
        const { name, fingerprint, canIpForward, networkInterfaces } = parsed.value;
        if (name !== nic.name) return faultReply(invalidValue('resource.name', name, 'A name cannot be changed.'));
        const fixed = canIpForward !== current.forwarding && plane.knobs.forwardingIsFixed;
        if (fixed && allowed !== 'RESTART') {
          const why = `Updating it requires at least RESTART, and the most disruptive allowed action is ${allowed}.`;
          return faultReply(invalidValue('resource.canIpForward', canIpForward, why));
        }
        const shown = this.#render(current)['networkInterfaces'];
        return this.#accept(request, {
          nic: current,
          type: 'update',
          user: principal,
          ending,
          isCurrent: () =>
            fingerprint === store.fingerprints(current).instance &&
            JSON.stringify(networkInterfaces) === JSON.stringify(shown),
          decide: (space) => setForwarding(space, nic.id, canIpForward),
        });
      },
    };
  }

  #accept(
    request: WireRequest,
    change: {
      readonly nic: Nic;
      readonly type: ZoneOperation['type'];
      readonly user: string;
      readonly ending: OperationEnding;
      readonly isCurrent: () => boolean;
      readonly decide: (space: AddressSpace) => SpaceResult;
    },
  ): WireReply {
    const { store } = this.#parts;
    const sent = { requestId: request.query.get('requestId') ?? undefined, body: `${request.target} ${request.body}` };
    const replayed = store.replayed(sent);
    if (!replayed.ok) return faultReply(replayed.error);
    if (replayed.value !== undefined) return jsonReply(200, renderOperation(replayed.value));
    if (!change.isCurrent()) {
      return faultReply(
        gcpFault(412, 'conditionNotMet', 'Supplied fingerprint does not match current metadata fingerprint.'),
      );
    }
    const begun = store.begin({ ...change, ...sent });
    return begun.ok ? jsonReply(200, renderOperation(begun.value)) : faultReply(begun.error);
  }

  #render(nic: Nic): Json {
    const { plane, store } = this.#parts;
    const current = plane.space.nics.get(nic.id) ?? nic;
    const state = plane.space.machines.get(nic.name)?.state;
    return renderInstance(current, plane.config, store.fingerprints(current), state);
  }

  /** All zones of the project are told of on every page; one has instances. May show what was true before. */
  #list(request: WireRequest): WireReply {
    const { plane, store } = this.#parts;
    const all = [...plane.seen.nics.values()];
    const start = Number(request.query.get('pageToken') ?? 0);
    const end = start + Math.min(PAGE_SIZE, Number(request.query.get('maxResults') ?? PAGE_SIZE));
    const [zone = ''] = /zones\/[^/]+/.exec(all[0]?.instanceId ?? '') ?? [];
    const instances = all
      .slice(start, end)
      .map((nic) =>
        renderInstance(nic, plane.config, store.fingerprints(nic), plane.seen.machines.get(nic.name)?.state),
      );
    const warning = { code: 'NO_RESULTS_ON_PAGE', message: `There are no results for scope on this page.` };
    return jsonReply(200, {
      kind: 'compute#instanceAggregatedList',
      id: `projects/${plane.config.account}/aggregated/instances`,
      items: { [zone]: { instances }, 'zones/us-central1-a': { warning } },
      ...(end < all.length ? { nextPageToken: `${end}` } : {}),
      selfLink: linkTo(`projects/${plane.config.account}/aggregated/instances`),
    });
  }

  async #operation(name: string, isWait: boolean): Promise<WireReply> {
    const { store } = this.#parts;
    if (isWait) {
      const over = new AbortController();
      const limit = delay(WAIT_LIMIT_MS, undefined, { signal: over.signal }).catch(() => undefined);
      await Promise.race([store.ended(name), limit]);
      over.abort();
    }
    const operation = store.operation(name);
    return operation === undefined ? faultReply(notFound(name)) : jsonReply(200, renderOperation(operation));
  }
}

/** @param wanted the whole list; `undefined` leaves it as it is */
function withAliases(
  space: AddressSpace,
  nicId: string,
  wanted: readonly string[] | undefined,
  addressesMax: number | undefined,
): SpaceResult {
  const nic = space.nics.get(nicId);
  if (nic === undefined || wanted === undefined) return { ok: true, value: space };
  if (wanted.includes(nic.primary)) {
    return { ok: false, error: { code: 'address.primary', address: nic.primary, holder: nic } };
  }
  const had = nic.secondaries.map(({ address }) => address);
  const left = unassign(
    space,
    nicId,
    had.filter((address) => !wanted.includes(address)),
  );
  if (!left.ok) return left;
  const addresses = wanted.filter((address) => !had.includes(address));
  return assign(left.value, { nicId, addresses, mayTake: () => false, settled: true, addressesMax });
}

function reading(
  operation: string,
  perform: Route['perform'],
  parameters: Route['parameters'] = {},
  query: readonly string[] = [],
): Route {
  return { operation, mutating: false, query, parameters, perform };
}

function notFound(name: string): GcpFault {
  return gcpFault(404, 'notFound', `The resource '${name}' was not found`);
}

function denied(verb: string, { instanceId }: Nic): GcpFault {
  return gcpFault(403, 'forbidden', `Required 'compute.instances.${verb}' permission for '${instanceId}'`);
}
