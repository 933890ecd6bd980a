/** Names on the hub. The node's token stands where the hub's permissions can bind it to the node's key. */
import type { CaptureKey, OrderSubject } from '@routerd/mobility';
import {
  bareAddress,
  err,
  ok,
  parseHostAddress,
  parseNodeName,
  parsePoolName,
  type Brand,
  type HostAddress,
  type NodeName,
  type PoolName,
  type Result,
} from '@routerd/resources';

/** A federation group. Part of subjects, stream names and signatures. */
export type GroupName = Brand<string, 'GroupName'>;

export interface GroupNameFault {
  readonly code: 'group.malformed';
  readonly input: string;
}

/** A group is named like a node (RFC 1123 label): `.` or upper case could not stand in a subject or would make two streams one. */
export function parseGroupName(input: string): Result<GroupName, GroupNameFault> {
  return parseNodeName(input).ok ? ok(input as GroupName) : err({ code: 'group.malformed', input });
}

export function factsStream(group: GroupName): string {
  return `SAM_${group.toUpperCase()}_FACTS`;
}

export function eventsStream(group: GroupName): string {
  return `SAM_${group.toUpperCase()}_EVENTS`;
}

export function captureStream(group: GroupName): string {
  return `SAM_${group.toUpperCase()}_CAPTURE`;
}

/**
 * Names of a node's consumers, one after the other: the one of an earlier reading may be in the care of a hub that is dead, and then is neither
 * read nor removed. Names of nodes have no `_`.
 */
export function consumerNames(node: NodeName): readonly [string, ...string[]] {
  return [node, `${node}_2`, `${node}_3`, `${node}_4`];
}

/** Of the operator's list of members: one message, the newest. */
export function rosterStream(group: GroupName): string {
  return `SAM_${group.toUpperCase()}_ROSTER`;
}

export function rosterSubject(group: GroupName): string {
  return `sam.v1.${group}.roster`;
}

/** `sam.v1.<group>.facts.<node>.<pool>.<a-b-c-d>`: one subject per (source, address), of which the stream keeps the last message. */
export function factSubject(
  group: GroupName,
  fact: { source: NodeName; pool: PoolName; address: HostAddress },
): string {
  return `sam.v1.${group}.facts.${fact.source}.${fact.pool}.${bareAddress(fact.address).replaceAll('.', '-')}`;
}

/** `sam.v1.<group>.events.<node>.<type>`: a history, so any number of messages of one subject are kept. */
export function eventSubject(group: GroupName, node: NodeName, type: string): string {
  return `sam.v1.${group}.events.${node}.${type}`;
}

/** @returns the node whose key may publish here; undefined when it is no subject of events of the group */
export function parseEventSubject(group: GroupName, subject: string): NodeName | undefined {
  const [node = '', ...type] = tokensAfter(`sam.v1.${group}.events.`, subject);
  const parsed = parseNodeName(node);
  return parsed.ok && type.length > 0 ? parsed.value : undefined;
}

export function heartbeatSubject(group: GroupName, node: NodeName): string {
  return `sam.v1.${group}.hb.${node}`;
}

/** `sam.v1.<group>.capture.<node>.<keyToken>` */
export function captureSubject(group: GroupName, writer: NodeName, key: CaptureKey): string {
  return `sam.v1.${group}.capture.${writer}.${captureKeyToken(key)}`;
}

/** `sam.v1.<group>.capture.<node>.orders.<base64url of what is ordered about>`: in the capture log, so that there is one order of all. */
export function orderSubject(group: GroupName, writer: NodeName, about: OrderSubject): string {
  return `sam.v1.${group}.capture.${writer}.${ORDERS}.${Buffer.from(about, 'utf8').toString('base64url')}`;
}

const ORDERS = 'orders';

export function isOrderSubject(group: GroupName, subject: string): boolean {
  // Asked of every record of the log, of which few are orders: nothing is taken apart for the others.
  if (!subject.includes(`.${ORDERS}.`)) return false;
  const tokens = tokensAfter(`sam.v1.${group}.capture.`, subject);
  return tokens.length === 3 && tokens[1] === ORDERS;
}

/** @returns the node whose key may publish here; undefined when it is no subject of orders */
export function parseOrderSubject(group: GroupName, subject: string): NodeName | undefined {
  const writer = parseNodeName(tokensAfter(`sam.v1.${group}.capture.`, subject)[0] ?? '');
  return isOrderSubject(group, subject) && writer.ok ? writer.value : undefined;
}

/** base64url of the key: one subject token, from which a person can read the key back. */
export function captureKeyToken(key: CaptureKey): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

export interface FactSubject {
  readonly source: NodeName;
  readonly pool: PoolName;
  readonly address: HostAddress;
}

/** @returns undefined when the subject is not one of this group's fact subjects */
export function parseFactSubject(group: GroupName, subject: string): FactSubject | undefined {
  const [node = '', poolToken = '', addressToken = '', ...extra] = tokensAfter(`sam.v1.${group}.facts.`, subject);
  const source = parseNodeName(node);
  const pool = parsePoolName(poolToken);
  const address = parseHostAddress(`${addressToken.replaceAll('-', '.')}/32`);
  if (extra.length > 0 || !source.ok || !pool.ok || !address.ok) return undefined;
  return { source: source.value, pool: pool.value, address: address.value };
}

/** @returns the node whose key may publish here, or undefined */
export function parseHeartbeatSubject(group: GroupName, subject: string): NodeName | undefined {
  const [node = '', ...extra] = tokensAfter(`sam.v1.${group}.hb.`, subject);
  const parsed = parseNodeName(node);
  return parsed.ok && extra.length === 0 ? parsed.value : undefined;
}

/** @returns the node whose key may publish here, and the token of the capture key; or undefined */
export function parseCaptureSubject(
  group: GroupName,
  subject: string,
): { readonly writer: NodeName; readonly keyToken: string } | undefined {
  const [node = '', keyToken = '', ...extra] = tokensAfter(`sam.v1.${group}.capture.`, subject);
  const writer = parseNodeName(node);
  return writer.ok && keyToken !== '' && extra.length === 0 ? { writer: writer.value, keyToken } : undefined;
}

function tokensAfter(prefix: string, subject: string): readonly string[] {
  return subject.startsWith(prefix) ? subject.slice(prefix.length).split('.') : [];
}
