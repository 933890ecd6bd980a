/** What the plugin is told by its environment and by the context of its request. Pure. */
import {
  poolSettingsOf,
  powerPolicyOf,
  requiredVariable,
  type Environment,
  type ObserveRequest,
  type PoolSettings,
  type PowerPolicy,
} from '@routerd/plugin-sdk';

/** Where it looks, and what it waits for. */
interface GroundSettings {
  /** OCID of this router's VNIC. Never guessed: a claim for another's VNIC would take its packets. */
  readonly vnicId: string;
  /** The instance's own where undefined. */
  readonly region: string | undefined;
  /** Where the machines are; that of this router's VNIC where undefined. */
  readonly compartmentId: string | undefined;
  /** Needed where events are followed. */
  readonly stream: StreamSettings | undefined;
}

export interface StreamSettings {
  /** OCID. */
  readonly id: string;
  /** `https://cell-1.streaming.eu-frankfurt-1.oci.oraclecloud.com`, as the stream's `messagesEndpoint` says. */
  readonly endpoint: string;
  /** What its consumer groups are called; this router's alone. */
  readonly reader: string;
}

/** Asked about a domain it claims what the VNIC captures, and describes what would have to be done. */
export interface DomainSettings extends GroundSettings {
  readonly pool?: undefined;
  /** How long a result counts. */
  readonly ttl: string;
  /** Addresses that this router should capture, `10.77.60.11/32`. */
  readonly wanted: readonly string[];
  /** Whether machines of the subnet are told as facts. */
  readonly tellsFacts: boolean;
  /** What becomes of the address of a machine that is switched off. */
  readonly powerPolicy: PowerPolicy;
  readonly profile: string;
  readonly domain: string;
  /** `10.77.60.0/24`. */
  readonly prefix: string;
  readonly peer: string;
}

/** Asked about a pool it tells facts alone, as the inventories of the other clouds do. */
export type InventorySettings = DomainSettings | (GroundSettings & { readonly pool: PoolSettings });

const TTL = '30m';

/** @throws Error that says what is missing, for the operator */
export function settingsOf(environment: Environment, { context }: Pick<ObserveRequest, 'context'>): InventorySettings {
  const vnicId = requiredVariable(environment, 'OCI_VNIC', "it names this router's VNIC by its OCID");
  const ground = {
    vnicId,
    region: environment['OCI_REGION'],
    compartmentId: environment['OCI_COMPARTMENT'],
    stream: streamOf(environment, vnicId),
  };
  const kinds = new Set(context.resources.map(({ kind }) => kind));
  if (kinds.has('MobilityPool') && !kinds.has('AddressMobilityDomain'))
    return { ...ground, pool: poolSettingsOf(environment, { context }) };
  const profile = onlyOne(context, 'CloudProviderProfile');
  if (memberOf(profile, 'provider') !== 'oci')
    throw new Error(`CloudProviderProfile/${profile.name} is not of the provider oci`);
  const domain = onlyOne(context, 'AddressMobilityDomain');
  const region = ground.region ?? memberOf(profile, 'region');
  return {
    ...ground,
    region: typeof region === 'string' && region !== '' ? region : undefined,
    ttl: environment['ROUTERD_TTL'] ?? TTL,
    wanted: addressesOf(environment['ROUTERD_ADDRESSES'] ?? ''),
    tellsFacts: environment['ROUTERD_FACTS'] === 'true',
    powerPolicy: powerPolicyOf(environment['ROUTERD_POWER_STATE']),
    profile: profile.name,
    domain: domain.name,
    prefix: String(memberOf(domain, 'prefix')),
    peer: onlyOne(context, 'OverlayPeer').name,
  };
}

function streamOf(environment: Environment, vnicId: string): StreamSettings | undefined {
  const id = environment['OCI_STREAM'];
  if (id === undefined) return undefined;
  if (!/^ocid1\.stream\.[\w.-]+$/.test(id)) throw new Error(`spec.env.OCI_STREAM: "${id}" is not the OCID of a stream`);
  const endpoint = requiredVariable(environment, 'OCI_STREAM_ENDPOINT', "it is the stream's messages endpoint");
  if (!/^https:\/\/[A-Za-z0-9.-]+$/.test(endpoint))
    throw new Error(`spec.env.OCI_STREAM_ENDPOINT: "${endpoint}" is not written as https://cell-1.streaming.…`);
  return { id, endpoint, reader: `routerd-${vnicId.slice(vnicId.lastIndexOf('.') + 1)}` };
}

type ContextResource = ObserveRequest['context']['resources'][number];

function onlyOne({ resources }: ObserveRequest['context'], kind: string): ContextResource {
  const [found, ...others] = resources.filter((resource) => resource.kind === kind);
  if (found === undefined) throw new Error(`spec.context.resources has to name one ${kind} that exists`);
  if (others.length > 0) throw new Error(`spec.context.resources names several of kind ${kind}; one is needed`);
  return found;
}

function memberOf({ spec }: ContextResource, key: string): unknown {
  return typeof spec === 'object' && spec !== null ? Reflect.get(spec, key) : undefined;
}

function addressesOf(list: string): readonly string[] {
  const addresses = list
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  const wrong = addresses.find((text) => !/^\d{1,3}(\.\d{1,3}){3}\/32$/.test(text));
  if (wrong !== undefined) throw new Error(`spec.env.ROUTERD_ADDRESSES: "${wrong}" is not written as 10.77.60.11/32`);
  return addresses;
}
