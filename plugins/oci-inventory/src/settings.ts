/** What the plugin is told by its environment and by the context of its request. Pure. */
import { powerPolicyOf, type ObserveRequest, type PowerPolicy } from '@routerd/plugin-sdk';

export interface InventorySettings {
  /** OCID of this router's VNIC. Never guessed: a claim for another's VNIC would take its packets. */
  readonly vnicId: string;
  /** The instance's own where undefined. */
  readonly region: string | undefined;
  /** How long a result counts. */
  readonly ttl: string;
  /** Addresses that this router should capture, `10.77.60.11/32`. */
  readonly wanted: readonly string[];
  /** Whether machines of the subnet are told as facts. */
  readonly tellsFacts: boolean;
  /** What becomes of the address of a machine that is switched off. */
  readonly powerPolicy: PowerPolicy;
  /** Where the machines are; that of this router's VNIC where undefined. */
  readonly compartmentId: string | undefined;
  readonly profile: string;
  readonly domain: string;
  /** `10.77.60.0/24`. */
  readonly prefix: string;
  readonly peer: string;
}

const TTL = '30m';

/** @throws Error that says what is missing, for the operator */
export function settingsOf(
  environment: Readonly<Partial<Record<string, string>>>,
  { context }: Pick<ObserveRequest, 'context'>,
): InventorySettings {
  const vnicId = environment['OCI_VNIC'] ?? '';
  if (vnicId === '') throw new Error("spec.env.OCI_VNIC is missing: it names this router's VNIC by its OCID");
  const profile = onlyOne(context, 'CloudProviderProfile');
  if (memberOf(profile, 'provider') !== 'oci')
    throw new Error(`CloudProviderProfile/${profile.name} is not of the provider oci`);
  const domain = onlyOne(context, 'AddressMobilityDomain');
  const region = environment['OCI_REGION'] ?? memberOf(profile, 'region');
  return {
    vnicId,
    region: typeof region === 'string' && region !== '' ? region : undefined,
    ttl: environment['ROUTERD_TTL'] ?? TTL,
    wanted: addressesOf(environment['ROUTERD_ADDRESSES'] ?? ''),
    tellsFacts: environment['ROUTERD_FACTS'] === 'true',
    powerPolicy: powerPolicyOf(environment['ROUTERD_POWER_STATE']),
    compartmentId: environment['OCI_COMPARTMENT'],
    profile: profile.name,
    domain: domain.name,
    prefix: String(memberOf(domain, 'prefix')),
    peer: onlyOne(context, 'OverlayPeer').name,
  };
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
