/**
 * A site at GCP as the others are at their clouds, for tests of the emulator and of the executor; no lab has it yet:
 *
 *   gcp fabric .60 (.61 .62) ── gcp-router-a .14, gcp-router-b .15, gcp-client .16
 */
import { GATEWAY, POOL_PREFIX } from './topology.ts';

export const GCP_FABRIC_WAN_ADDRESS = '198.51.100.60';

export const GCP_SITE = {
  subnet: POOL_PREFIX,
  gateway: GATEWAY,
  routers: [
    { name: 'gcp-router-a', site: 'gcp', address: '10.77.60.14', wanAddress: '198.51.100.61' },
    { name: 'gcp-router-b', site: 'gcp', address: '10.77.60.15', wanAddress: '198.51.100.62' },
  ],
  clients: [{ name: 'gcp-client', site: 'gcp', address: '10.77.60.16' }],
} as const;
