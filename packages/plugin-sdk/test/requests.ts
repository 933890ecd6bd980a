/** Well-formed requests, for tests to bend. */
import { API_VERSION, type ExecuteActionRequest, type ObserveNicRequest } from '../src/index.ts';

const nic = { provider: 'aws', providerRef: 'aws', nicRef: 'eni-0a', target: { region: 'eu-west-1' } } as const;

export function executeRequest(spec: Partial<ExecuteActionRequest['spec']> = {}): ExecuteActionRequest {
  return {
    apiVersion: API_VERSION,
    kind: 'ExecuteActionRequest',
    id: 'r1',
    spec: {
      action: 'assign-secondary-ip',
      nic: { ...nic },
      addresses: [
        { address: '10.77.60.10/32', captureKey: 'p|10.77.60.10/32|provider:aws:placement:g', captureEpoch: 3 },
      ],
      mode: 'execute',
      attempt: 'a1',
      ...spec,
    },
  };
}

export function observeRequest(): ObserveNicRequest {
  return { apiVersion: API_VERSION, kind: 'ObserveNicRequest', id: 'o1', spec: { nic: { ...nic } } };
}
