/** OCI's two endpoints on one address, told apart by the host name: `auth.<region>` hands out session tokens, `iaas.<region>` is the core API. */
import type { ControlPlane } from '../control-plane.ts';
import {
  headerOf,
  type AdmittedCall,
  type RefusedCall,
  type Service,
  type WireReply,
  type WireRequest,
} from '../wire.ts';
import { ComputeOperations } from './compute-operations.ts';
import { CoreOperations, type CoreRequest } from './core-operations.ts';
import type { FederationService } from './federation.ts';
import { faultReply, NOT_AUTHENTICATED, NOT_FOUND, ociFault, ociReply, type OciFault } from './oci-reply.ts';
import type { PrivateIpStore } from './private-ips.ts';
import type { RequestSigners } from './request-signers.ts';
import { RetryTokens } from './retry-tokens.ts';

const BASE_PATH = '/20160918/';
const LISTED_BY = ['compartmentId', 'limit', 'page'];

interface Route {
  readonly operation: string;
  readonly mutating: boolean;
  readonly query: readonly string[];
  readonly perform: (request: CoreRequest) => WireReply | Promise<WireReply>;
}

export interface OciApiParts {
  readonly plane: ControlPlane;
  readonly federation: FederationService;
  readonly signers: RequestSigners;
  readonly store: PrivateIpStore;
}

export class OciApi implements Service {
  readonly name = 'api';
  readonly #plane: ControlPlane;
  readonly #federation: FederationService;
  readonly #signers: RequestSigners;
  readonly #core: CoreOperations;
  readonly #compute: ComputeOperations;
  readonly #retryTokens: RetryTokens;
  readonly #store: PrivateIpStore;

  constructor({ plane, federation, signers, store }: OciApiParts) {
    this.#plane = plane;
    this.#federation = federation;
    this.#signers = signers;
    this.#store = store;
    this.#core = new CoreOperations(plane, store);
    this.#compute = new ComputeOperations(plane);
    this.#retryTokens = new RetryTokens(plane.clock);
  }

  async admit(request: WireRequest): Promise<AdmittedCall | RefusedCall> {
    const [service = '', ...rest] = (headerOf(request, 'host') ?? '').split('.');
    if (rest.join('.') === `${this.#plane.config.region}.oraclecloud.com`) {
      if (service === 'auth') return this.#admitToFederation(request);
      if (service === 'iaas') return this.#admitToCore(request);
    }
    const operation = `${request.method} ${request.path}`;
    return { operation, principal: 'unknown', parameters: {}, mutating: false, refusal: faultReply(NOT_FOUND) };
  }

  throttled(): WireReply {
    return faultReply(ociFault(429, 'TooManyRequests', 'Too many requests for the user.'));
  }

  failed(): WireReply {
    return faultReply(ociFault(500, 'InternalServerError', 'An internal server error occurred.'));
  }

  busy(): WireReply {
    return faultReply(ociFault(409, 'IncorrectState', 'The resource is being changed by another operation.'));
  }

  /** As what does not exist. */
  denied(): WireReply {
    return faultReply(NOT_FOUND);
  }

  unauthenticated(): WireReply {
    return faultReply(NOT_AUTHENTICATED);
  }

  #admitToFederation(request: WireRequest): AdmittedCall | RefusedCall {
    const call = { operation: 'GetSecurityToken', parameters: {}, mutating: false };
    const refuse = (fault: OciFault): RefusedCall => ({ ...call, principal: 'unknown', refusal: faultReply(fault) });
    if (request.method !== 'POST' || request.path !== '/v1/x509') return refuse(NOT_FOUND);
    const proven = this.#federation.authenticate(request);
    if (!proven.ok) return refuse(proven.error);
    const principal = this.#signers.routerOf(proven.value.instanceId);
    if (principal === undefined) return refuse(NOT_AUTHENTICATED);
    const perform = async (): Promise<WireReply> =>
      ociReply(200, { token: await this.#federation.issueToken(proven.value) });
    return { ...call, principal, perform };
  }

  async #admitToCore(request: WireRequest): Promise<AdmittedCall | RefusedCall> {
    const route = this.#route(request);
    const described = {
      operation: route?.operation ?? `${request.method} ${request.path}`,
      mutating: route?.mutating ?? false,
      parameters: journalled(request),
    };
    const refuse = (principal: string, fault: OciFault): RefusedCall => ({
      ...described,
      principal,
      refusal: faultReply(fault),
    });
    const principal = await this.#signers.nameOf(request);
    if (principal === undefined) return refuse('unknown', NOT_AUTHENTICATED);
    if (route === undefined) return refuse(principal, NOT_FOUND);
    const strange = [...request.query.keys()].find((name) => !route.query.includes(name));
    if (strange !== undefined) {
      return refuse(principal, ociFault(400, 'InvalidParameter', `There is no query parameter ${strange}.`));
    }
    const { body, query } = request;
    const core = { body, query, ifMatch: headerOf(request, 'if-match') };
    const token = headerOf(request, 'opc-retry-token');
    const perform = async (): Promise<WireReply> => route.perform(core);
    const id = objectIdIn(request.path);
    return {
      ...described,
      principal,
      overtake: () => this.#store.touch(id),
      perform:
        route.operation === 'CreatePrivateIp' && token !== undefined
          ? async () => this.#retryTokens.once({ token, principal, body }, (reply) => this.#isStanding(reply), perform)
          : perform,
    };
  }

  /** The private IP with that etag was made by that reply, and is held. */
  #isStanding({ body = '{}' }: WireReply): boolean {
    const made: unknown = JSON.parse(body);
    if (typeof made !== 'object' || made === null || !('id' in made)) return true;
    return this.#store.find(String(made.id)) !== undefined;
  }

  #route({ method, path }: WireRequest): Route | undefined {
    if (!path.startsWith(BASE_PATH)) return undefined;
    const [collection = '', encoded, ...more] = path.slice(BASE_PATH.length).split('/');
    const id = decodeURIComponent(encoded ?? '');
    if (more.length > 0) return undefined;
    const core = this.#core;
    const reading = (operation: string, perform: Route['perform'], query: readonly string[] = []): Route => ({
      operation,
      mutating: false,
      query,
      perform,
    });
    const writing = (operation: string, perform: Route['perform']): Route => ({
      operation,
      mutating: true,
      query: [],
      perform,
    });
    switch (`${method} ${collection}${encoded === undefined ? '' : '/{id}'}`) {
      case 'GET vnics/{id}':
        return reading('GetVnic', () => core.getVnic(id));
      case 'PUT vnics/{id}':
        return writing('UpdateVnic', async (request) => core.updateVnic(id, request));
      case 'GET subnets/{id}':
        return reading('GetSubnet', () => core.getSubnet(id));
      case 'GET privateIps':
        return reading('ListPrivateIps', (request) => core.listPrivateIps(request), [
          'vnicId',
          'subnetId',
          'ipAddress',
          'limit',
          'page',
        ]);
      case 'GET instances':
        return reading('ListInstances', ({ query }) => this.#compute.listInstances(query), LISTED_BY);
      case 'GET vnicAttachments':
        return reading('ListVnicAttachments', ({ query }) => this.#compute.listVnicAttachments(query), LISTED_BY);
      case 'POST privateIps':
        return writing('CreatePrivateIp', async (request) => core.createPrivateIp(request));
      case 'GET privateIps/{id}':
        return reading('GetPrivateIp', () => core.getPrivateIp(id));
      case 'PUT privateIps/{id}':
        return writing('UpdatePrivateIp', async (request) => core.updatePrivateIp(id, request));
      case 'DELETE privateIps/{id}':
        return writing('DeletePrivateIp', async (request) => core.deletePrivateIp(id, request));
      default:
        return undefined;
    }
  }
}

/** What the request asks for: id, query, body, condition. */
function journalled(request: WireRequest): Readonly<Record<string, unknown>> {
  const { path, query, body } = request;
  const id = objectIdIn(path);
  const ifMatch = headerOf(request, 'if-match');
  const retryToken = headerOf(request, 'opc-retry-token');
  return {
    ...(id.startsWith('ocid1.') ? { id } : {}),
    ...Object.fromEntries(query),
    ...(body === '' ? {} : { body }),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(retryToken === undefined ? {} : { retryToken }),
  };
}

function objectIdIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
