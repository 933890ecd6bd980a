/**
 * OCI's virtual network service through the vendor's SDK, of which two packages are taken: docs/adr/0007.
 * It neither retries nor breaks circuits here: the caller does the first after fencing again, the second would hide the provider's answer.
 */
import { CircuitBreaker, NoRetryConfigurationDetails } from 'oci-common';
import { VirtualNetworkClient } from 'oci-core/lib/client.js';
import type { PrivateIp as WirePrivateIp } from 'oci-core/lib/model/private-ip.js';
import { withinLimit } from '@routerd/plugin-sdk';
import { faultOf } from '../classify.ts';
import type { PrivateIp, VirtualNetwork } from '../virtual-network.ts';
import { instancePrincipal } from './identity.ts';

/** Of one request. The SDK has no limit of its own; a delete was seen to take more than 30 s through the vendor's CLI. */
const REQUEST_LIMIT_MS = 60_000;
const PAGE_ENTRIES = 1000;

class RequestTimedOut extends Error {
  override readonly name = 'RequestTimedOut';
}

/** @param region the instance's own where undefined */
export function connectOci(region: string | undefined): VirtualNetwork {
  let connecting: Promise<VirtualNetworkClient> | undefined;
  /** Connects at the first call; a failure is forgotten, so that the next call tries again. */
  const connected = async (): Promise<VirtualNetworkClient> => {
    connecting ??= connect(region);
    try {
      return await connecting;
    } catch (cause) {
      connecting = undefined;
      throw cause;
    }
  };
  const call = async <T>(send: (client: VirtualNetworkClient) => Promise<T>): Promise<T> => {
    const client = await connected();
    const late = (): Error => new RequestTimedOut(`no answer within ${REQUEST_LIMIT_MS / 1000} s`);
    try {
      return await withinLimit(REQUEST_LIMIT_MS, late, async () => send(client));
    } catch (cause) {
      // The SDK uses a token up to its last second, and does not renew it when it is refused.
      if (faultOf(cause).httpStatus === 401) connecting = undefined;
      throw cause;
    }
  };
  return { ...readsOf(call), ...writesOf(call) };
}

type Call = <T>(send: (client: VirtualNetworkClient) => Promise<T>) => Promise<T>;
type Reads = Pick<
  VirtualNetwork,
  'readVnic' | 'listOfVnic' | 'listOfSubnet' | 'readSubnetPrefix' | 'findByAddress' | 'readPrivateIp'
>;
type Writes = Omit<VirtualNetwork, keyof Reads>;

function readsOf(call: Call): Reads {
  const list = async (filter: {
    readonly vnicId?: string;
    readonly subnetId?: string;
    readonly ipAddress?: string;
  }): Promise<readonly PrivateIp[]> => {
    const found: PrivateIp[] = [];
    let page: string | undefined;
    do {
      const next = page === undefined ? {} : { page };
      const reply = await call(async (client) => client.listPrivateIps({ ...filter, limit: PAGE_ENTRIES, ...next }));
      found.push(...reply.items.map(privateIpOf));
      page = reply.opcNextPage;
    } while (page !== undefined && page !== '');
    return found;
  };
  return {
    readVnic: async (vnicId) =>
      unlessAbsent(async () => {
        const { vnic, etag } = await call(async (client) => client.getVnic({ vnicId }));
        const { id, subnetId = '', skipSourceDestCheck = false } = vnic;
        return { id, subnetId, skipSourceDestCheck, etag };
      }),
    listOfVnic: async (vnicId) => list({ vnicId }),
    listOfSubnet: async (subnetId) => list({ subnetId }),
    readSubnetPrefix: async (subnetId) =>
      unlessAbsent(async () => (await call(async (client) => client.getSubnet({ subnetId }))).subnet.cidrBlock),
    findByAddress: async (subnetId, ipAddress) => (await list({ subnetId, ipAddress }))[0],
    readPrivateIp: async (privateIpId) =>
      unlessAbsent(async () => {
        const { privateIp, etag } = await call(async (client) => client.getPrivateIp({ privateIpId }));
        return { privateIp: privateIpOf(privateIp), etag };
      }),
  };
}

function writesOf(call: Call): Writes {
  return {
    async create({ vnicId, address, freeformTags, retryToken }) {
      const createPrivateIpDetails = {
        vnicId,
        ipAddress: address,
        displayName: `routerd-${address}`,
        freeformTags: { ...freeformTags },
      };
      await call(async (client) => client.createPrivateIp({ createPrivateIpDetails, opcRetryToken: retryToken }));
    },
    async update(privateIpId, ifMatch, { vnicId, freeformTags }) {
      const updatePrivateIpDetails = { ...(vnicId === undefined ? {} : { vnicId }), freeformTags: { ...freeformTags } };
      await call(async (client) => client.updatePrivateIp({ privateIpId, updatePrivateIpDetails, ifMatch }));
    },
    async remove(privateIpId, ifMatch) {
      await call(async (client) => client.deletePrivateIp({ privateIpId, ifMatch }));
    },
    async setSkipSourceDestCheck(vnicId, ifMatch, skipSourceDestCheck) {
      await call(async (client) => client.updateVnic({ vnicId, updateVnicDetails: { skipSourceDestCheck }, ifMatch }));
    },
  };
}

async function connect(region: string | undefined): Promise<VirtualNetworkClient> {
  const authenticationDetailsProvider = await instancePrincipal();
  const client = new VirtualNetworkClient(
    { authenticationDetailsProvider },
    {
      retryConfiguration: NoRetryConfigurationDetails,
      circuitBreaker: new CircuitBreaker({ disableClientCircuitBreaker: true }),
    },
  );
  if (region !== undefined) client.regionId = region;
  return client;
}

async function unlessAbsent<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (cause) {
    if (faultOf(cause).httpStatus === 404) return undefined;
    throw cause;
  }
}

function privateIpOf({
  id = '',
  ipAddress = '',
  vnicId,
  isPrimary = false,
  freeformTags = {},
}: WirePrivateIp): PrivateIp {
  return { id, address: ipAddress, vnicId: vnicId ?? undefined, isPrimary, freeformTags };
}
