/** A small subnet for tests of the pure parts: two routers and a client. */
import { createAddressSpace, type AddressSpace } from '../../src/cloud/address-space.ts';
import type { CloudConfig, CloudInstance } from '../../src/cloud/cloud-config.ts';

function instance(name: string, privateIp: string, more: Partial<CloudInstance> = {}): CloudInstance {
  const device = `e-${name}`;
  const mac = '02:00:0a:4d:3c:04';
  const ids = { instanceId: `i-${name}`, nicId: `eni-${name}` };
  return { name, ...ids, type: 't3.medium', device, mac, privateIp, permissions: 'router', ...more };
}

export function sampleConfig(
  cloud: CloudConfig['cloud'] = 'aws',
  instances: readonly CloudInstance[] = [],
): CloudConfig {
  const three = [
    instance('a', '10.77.60.4', { publicIp: '198.51.100.31' }),
    instance('b', '10.77.60.5'),
    instance('c', '10.77.60.11', { type: 't3.micro', permissions: 'none' }),
  ];
  return {
    cloud,
    region: 'eu-west-1',
    account: '123456789012',
    scope: 'vpc-1',
    subnet: { id: 'subnet-1', cidr: '10.77.60.0/24', gateway: '10.77.60.1' },
    apiAddress: '192.0.2.10',
    tls: { certFile: '', keyFile: '' },
    controlSocket: '',
    mutationDelayMs: 100,
    fabricDelayMs: 50,
    instances: instances.length === 0 ? three : [...instances],
  };
}

export function sampleSpace(): AddressSpace {
  return createAddressSpace(sampleConfig());
}

/** The value of a result that has to be one. */
export function valueOf<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown },
): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
  return result.value;
}
