/** `https://ec2.<region>.amazonaws.com`: decodes, authenticates, runs the action. */
import type { ControlPlane } from '../control-plane.ts';
import type { AdmittedCall, RefusedCall, Service, WireReply, WireRequest } from '../wire.ts';
import type { CredentialStore } from './credentials.ts';
import { ACTIONS, unauthorizedFault } from './ec2-actions.ts';
import { API_VERSION, faultReply, QueryParameters, resultReply } from './query-protocol.ts';
import { verifySignature } from './signature.ts';

/** The one write that has a dry run, and everything else as it is. */
function isMutating(operation: string, parameters: QueryParameters): boolean {
  const isDry = operation === 'ModifyNetworkInterfaceAttribute' && parameters.all()['DryRun'] === 'true';
  return ACTIONS[operation]?.mutating === true && !isDry;
}

export class Ec2Api implements Service {
  readonly name = 'api';
  readonly #plane: ControlPlane;
  readonly #credentials: CredentialStore;

  constructor(plane: ControlPlane, credentials: CredentialStore) {
    this.#plane = plane;
    this.#credentials = credentials;
  }

  admit(request: WireRequest): AdmittedCall | RefusedCall {
    const parameters = new QueryParameters(request.body);
    const operation = parameters.text('Action') ?? '';
    const action = ACTIONS[operation];
    const described = { operation, parameters: parameters.all(), mutating: isMutating(operation, parameters) };
    const verified = verifySignature(request, {
      region: this.#plane.config.region,
      now: this.#plane.clock.now(),
      find: (accessKeyId) => this.#credentials.find(accessKeyId),
    });
    if (!verified.ok) return { ...described, principal: 'unknown', refusal: faultReply(verified.error) };
    const principal = verified.value.instance;
    const refuse = (code: string, message: string): RefusedCall => ({
      ...described,
      principal,
      refusal: faultReply({ status: 400, code, message }),
    });
    if (request.method !== 'POST' || request.path !== '/') {
      return refuse('InvalidRequest', `${request.method} ${request.path} is not the query API.`);
    }
    if (action === undefined)
      return refuse('InvalidAction', `The action ${operation} is not valid for this web service.`);
    if (parameters.text('Version') !== API_VERSION) {
      return refuse('InvalidParameterValue', `The version is not ${API_VERSION}.`);
    }
    const run = action.prepare(this.#plane, parameters, principal);
    const unread = parameters.unread();
    if (unread !== undefined) return refuse('UnknownParameter', `The parameter ${unread} is not recognized`);
    return {
      ...described,
      principal,
      perform: async () => {
        const result = await run();
        return result.ok ? resultReply(operation, result.value) : faultReply(result.error);
      },
    };
  }

  throttled(): WireReply {
    return faultReply({ status: 503, code: 'RequestLimitExceeded', message: 'Request limit exceeded.' });
  }

  failed(): WireReply {
    return faultReply({ status: 500, code: 'InternalError', message: 'An internal error has occurred' });
  }

  busy(): WireReply {
    return faultReply({ status: 400, code: 'IncorrectState', message: 'The interface is not in a valid state.' });
  }

  denied({ principal, operation }: AdmittedCall): WireReply {
    return faultReply(unauthorizedFault(principal, operation, '*'));
  }

  unauthenticated(): WireReply {
    const message = 'AWS was not able to validate the provided access credentials';
    return faultReply({ status: 401, code: 'AuthFailure', message });
  }
}
