/** The kinds, their API groups, and the one union that everything downstream works on. */
import { z } from 'zod';
import * as address from './kinds/address.ts';
import * as config from './kinds/config.ts';
import * as federation from './kinds/federation.ts';
import * as firewall from './kinds/firewall.ts';
import * as hybrid from './kinds/hybrid.ts';
import * as mobility from './kinds/mobility.ts';
import * as net from './kinds/net.ts';
import * as plugin from './kinds/plugin.ts';
import * as system from './kinds/system.ts';
import { instead, text } from './scalars.ts';

export const metadata = z.strictObject({
  name: text(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/, 'a name of letters, digits, ".", "_" and "-"'),
  annotations: z.record(z.string().min(1), z.string()).default({}),
  ownerRefs: z
    .array(z.strictObject({ apiVersion: z.string().min(1), kind: z.string().min(1), name: z.string().min(1) }))
    .default([]),
});

function kind<Group extends string, Kind extends string, Spec extends z.ZodType>(group: Group, name: Kind, spec: Spec) {
  return z
    .strictObject({
      apiVersion: z.literal(`${group}.routerd.net/v1alpha1`),
      kind: z.literal(name),
      metadata,
      spec,
    })
    .meta(instead({ status: 'Remove it: the status is what routerd reports, not what is declared.' }));
}

/** One schema a kind: its single definition. */
export const KINDS = {
  MobilityPool: kind('mobility', 'MobilityPool', mobility.mobilityPoolSpec),
  OverlayPeer: kind('hybrid', 'OverlayPeer', hybrid.overlayPeerSpec),
  AddressMobilityDomain: kind('hybrid', 'AddressMobilityDomain', hybrid.addressMobilityDomainSpec),
  HybridRoute: kind('hybrid', 'HybridRoute', hybrid.hybridRouteSpec),
  TunnelInterface: kind('hybrid', 'TunnelInterface', hybrid.tunnelInterfaceSpec),
  RemoteAddressClaim: kind('hybrid', 'RemoteAddressClaim', hybrid.remoteAddressClaimSpec),
  CloudProviderProfile: kind('hybrid', 'CloudProviderProfile', hybrid.cloudProviderProfileSpec),
  ProviderActionPolicy: kind('hybrid', 'ProviderActionPolicy', hybrid.providerActionPolicySpec),
  EventGroup: kind('federation', 'EventGroup', federation.eventGroupSpec),
  EventPeer: kind('federation', 'EventPeer', federation.eventPeerSpec),
  EventSubscription: kind('federation', 'EventSubscription', federation.eventSubscriptionSpec),
  DynamicOverridePolicy: kind('config', 'DynamicOverridePolicy', config.dynamicOverridePolicySpec),
  DynamicConfigSource: kind('plugin', 'DynamicConfigSource', plugin.dynamicConfigSourceSpec),
  Plugin: kind('plugin', 'Plugin', plugin.pluginSpec),
  Interface: kind('net', 'Interface', net.interfaceSpec),
  IPv4StaticAddress: kind('net', 'IPv4StaticAddress', net.ipv4StaticAddressSpec),
  IPv4Route: kind('net', 'IPv4Route', net.ipv4RouteSpec),
  VirtualAddress: kind('net', 'VirtualAddress', address.virtualAddressSpec),
  HealthCheck: kind('net', 'HealthCheck', address.healthCheckSpec),
  NAT44Rule: kind('net', 'NAT44Rule', address.nat44RuleSpec),
  FirewallZone: kind('firewall', 'FirewallZone', firewall.firewallZoneSpec),
  FirewallRule: kind('firewall', 'FirewallRule', firewall.firewallRuleSpec),
  Sysctl: kind('system', 'Sysctl', system.sysctlSpec),
  WireGuardInterface: kind('net', 'WireGuardInterface', net.wireGuardInterfaceSpec),
  WireGuardPeer: kind('net', 'WireGuardPeer', net.wireGuardPeerSpec),
} as const;

/** Kinds that routerd makes and keeps. Writing one by hand would be overwritten or believed: both are refused. */
export const STORED_KINDS: Readonly<Record<string, string>> = {
  DynamicConfigPart: 'routerd stores it for a source of dynamic configuration (see routerctl dynamic list)',
  DynamicConfigDirective: 'it is an entry of spec.directives of a DynamicConfigPart, which routerd stores',
  AddressLease: 'routerd derives it from facts (see routerctl mobility leases)',
};

/** The stored form of a dynamic part. */
export const DYNAMIC_CONFIG_PART = kind('config', 'DynamicConfigPart', config.dynamicConfigPartSpec);

export type Kind = keyof typeof KINDS;
export type ResourceOf<K extends Kind> = z.output<(typeof KINDS)[K]>;
export type Resource = { [K in Kind]: ResourceOf<K> }[Kind];

/** `apiVersion/kind/name`: two resources with one identity are an error. */
export function identityOf(resource: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}): string {
  return `${resource.apiVersion}/${resource.kind}/${resource.metadata.name}`;
}

export function isKind(text: string): text is Kind {
  return Object.hasOwn(KINDS, text);
}

/** Narrows a resource to one kind. */
export function isOfKind<K extends Kind>(resource: Resource, name: K): resource is ResourceOf<K> & Resource {
  return resource.kind === name;
}

/** The resources of one kind, in the order given. */
export function ofKind<K extends Kind>(resources: readonly Resource[], name: K): ResourceOf<K>[] {
  return resources.filter((resource) => isOfKind(resource, name));
}
