/** The federation of one node over real hubs. */
import type { Result } from '@routerd/resources';
import type { FederationConfig, FederationPorts, HubConfig } from '../../federation-config.ts';
import type { IdentityFault } from '../../node-identity.ts';
import { federationOver } from '../../node-federation.ts';
import type { Federation } from '../../ports.ts';
import { NatsTransport } from './nats-transport.ts';

export interface FederationOptions extends FederationPorts {
  readonly config: FederationConfig & HubConfig;
}

/** Fails when a key is not one. Connects on `start`, and keeps trying for as long as it is not stopped. */
export function createFederation({ config, ...ports }: FederationOptions): Result<Federation, IdentityFault> {
  const { clock, log } = ports;
  return federationOver(new NatsTransport({ ...config, clock, log }), config, ports);
}
