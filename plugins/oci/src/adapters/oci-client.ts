/**
 * OCI's virtual network service, and what machines there are, through the vendor's SDK, of which two packages are taken: docs/adr/0007.
 * It neither retries nor breaks circuits here: the caller does the first after fencing again, the second would hide the provider's answer.
 */
import { CircuitBreaker, NoRetryConfigurationDetails, type ClientConfiguration } from 'oci-common';
import { ComputeClient, VirtualNetworkClient } from 'oci-core/lib/client.js';
import type { PrivateIp as WirePrivateIp } from 'oci-core/lib/model/private-ip.js';
import { createCallMeter, withinLimit, type CallMeter, type MeteredCall } from '@routerd/plugin-sdk';
import { classOf, faultOf } from '../classify.ts';
import type { Compute } from '../compute.ts';
import type { PrivateIp, VirtualNetwork } from '../virtual-network.ts';
import { createOciIdentity, type OciIdentity } from './identity.ts';

/** Of one request. The SDK has no limit of its own; a delete was seen to take more than 30 s through the vendor's CLI. */
const REQUEST_LIMIT_MS = 60_000;
const PAGE_ENTRIES = 1000;

class RequestTimedOut extends Error {
  override readonly name = 'RequestTimedOut';
}

/** One identity's two clients. */
interface Clients {
  readonly network: VirtualNetworkClient;
  readonly compute: ComputeClient;
}

/**
 * @param region the instance's own where undefined
 * @param meter counts what is sent; the SDK repeats nothing here, and OCI says neither what is left nor when to come back
 */
export function connectOci(
  region: string | undefined,
  meter: CallMeter = createCallMeter(),
  identity: OciIdentity = createOciIdentity(),
): VirtualNetwork & Compute {
  let connecting: Promise<Clients> | undefined;
  /** Connects at the first call; a failure is forgotten, so that the next call tries again. */
  const connected = async (): Promise<Clients> => {
    connecting ??= connect(region, identity);
    try {
      return await connecting;
    } catch (cause) {
      connecting = undefined;
      throw cause;
    }
  };
  const ask = async <T>(kind: MeteredCall, send: (clients: Clients) => Promise<T>): Promise<T> => {
    const clients = await connected();
    meter.sent(kind);
    const late = (): Error => new RequestTimedOut(`no answer within ${REQUEST_LIMIT_MS / 1000} s`);
    try {
      return await withinLimit(REQUEST_LIMIT_MS, late, async () => send(clients));
    } catch (cause) {
      if (faultOf(cause).httpStatus === 401) {
        connecting = undefined;
        identity.forget();
      }
      if (classOf(faultOf(cause)) === 'throttled') meter.refused(kind, undefined);
      throw cause;
    }
  };
  const as =
    (kind: MeteredCall): Call =>
    async (send) =>
      ask(kind, async ({ network }) => send(network));
  return {
    ...readsOf(as('read')),
    ...writesOf(as('write')),
    ...computeOf(async (send) => ask('read', async ({ compute }) => send(compute))),
  };
}

type Call = <T>(send: (client: VirtualNetworkClient) => Promise<T>) => Promise<T>;
type Reads = Pick<
  VirtualNetwork,
  'readVnic' | 'listOfVnic' | 'listOfSubnet' | 'readSubnetPrefix' | 'findByAddress' | 'readPrivateIp'
>;
type Writes = Omit<VirtualNetwork, keyof Reads>;
type ComputeCall = <T>(send: (client: ComputeClient) => Promise<T>) => Promise<T>;

function readsOf(call: Call): Reads {
  const list = async (filter: {
    readonly vnicId?: string;
    readonly subnetId?: string;
    readonly ipAddress?: string;
  }): Promise<readonly PrivateIp[]> => {
    const found = await allPages(async (page) => call(async (client) => client.listPrivateIps({ ...filter, ...page })));
    return found.map(privateIpOf);
  };
  return {
    readVnic: async (vnicId) =>
      unlessAbsent(async () => {
        const { vnic, etag } = await call(async (client) => client.getVnic({ vnicId }));
        const { id, compartmentId, subnetId = '', skipSourceDestCheck = false } = vnic;
        return { id, compartmentId, subnetId, skipSourceDestCheck, etag };
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

function computeOf(call: ComputeCall): Compute {
  return {
    async listMachines(compartmentId) {
      const listed = await allPages(async (page) =>
        call(async (client) => client.listInstances({ compartmentId, ...page })),
      );
      return listed.map(({ id, lifecycleState }) => ({ id, lifecycleState }));
    },
    async listVnicAttachments(compartmentId) {
      const listed = await allPages(async (page) =>
        call(async (client) => client.listVnicAttachments({ compartmentId, ...page })),
      );
      return listed.map(({ instanceId, vnicId, lifecycleState }) => ({ instanceId, vnicId, lifecycleState }));
    },
  };
}

interface Page<T> {
  readonly items: readonly T[];
  readonly opcNextPage?: string;
}

async function allPages<T>(
  list: (part: { readonly limit: number; readonly page?: string }) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const found: T[] = [];
  let page: string | undefined;
  do {
    const reply = await list({ limit: PAGE_ENTRIES, ...(page === undefined ? {} : { page }) });
    found.push(...reply.items);
    page = reply.opcNextPage;
  } while (page !== undefined && page !== '');
  return found;
}

async function connect(region: string | undefined, identity: OciIdentity): Promise<Clients> {
  const provider = { authenticationDetailsProvider: await identity.get() };
  const configuration = (): ClientConfiguration => ({
    retryConfiguration: NoRetryConfigurationDetails,
    circuitBreaker: new CircuitBreaker({ disableClientCircuitBreaker: true }),
  });
  const network = new VirtualNetworkClient(provider, configuration());
  const compute = new ComputeClient(provider, configuration());
  if (region !== undefined) {
    network.regionId = region;
    compute.regionId = region;
  }
  return { network, compute };
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
