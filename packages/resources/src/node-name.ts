import type { Brand } from './brand.ts';
import { err, ok, type Result } from './result.ts';

/** A node of the fleet. One string everywhere: `members[].nodeRef`, `EventGroup.nodeName`, subjects, records. */
export type NodeName = Brand<string, 'NodeName'>;
/** A failure and L2 domain: a LAN or one cloud network. */
export type SiteName = Brand<string, 'SiteName'>;
/** `MobilityPool.metadata.name`. */
export type PoolName = Brand<string, 'PoolName'>;

export interface NameFault {
  readonly code: 'name.malformed';
  readonly input: string;
}

/** Names are DNS labels (RFC 1123): they become NATS subject tokens, file names and interface comments unescaped. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

function label<Name extends string>(input: string): Result<Brand<string, Name>, NameFault> {
  return LABEL.test(input) ? ok(input as Brand<string, Name>) : err({ code: 'name.malformed', input });
}

export function parseNodeName(input: string): Result<NodeName, NameFault> {
  return label<'NodeName'>(input);
}

export function parseSiteName(input: string): Result<SiteName, NameFault> {
  return label<'SiteName'>(input);
}

export function parsePoolName(input: string): Result<PoolName, NameFault> {
  return label<'PoolName'>(input);
}
