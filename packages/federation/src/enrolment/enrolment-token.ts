/** All that a machine needs to join its group, as one line of text that a person can carry. Secret: it holds the machine's key. */
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { err, ok, parseNodeName, type NodeName, type Result } from '@routerd/resources';
import { z } from 'zod';
import type { PeerKeys } from './group-documents.ts';
import { parseGroupName, type GroupName } from '../subjects.ts';

const endpoint = z.strictObject({ address: z.string(), port: z.number().int() });
const content = z.strictObject({
  group: z.string(),
  node: z.string(),
  seed: z.string(),
  servers: z.array(z.string()).min(1),
  /** PEM of the authority that signs the hubs' certificates. */
  authority: z.string(),
  /** What the operator signs the list of members with; tokens of earlier releases have none. */
  rosterKey: z.string().optional(),
  peers: z.record(z.string(), z.strictObject({ publicKey: z.string(), nextPublicKey: z.string().optional() })),
  hub: z
    .strictObject({
      operatorSeed: z.string(),
      certificate: z.string(),
      key: z.string(),
      replicas: z.union([z.literal(1), z.literal(3)]),
      listen: endpoint,
      cluster: z.strictObject({ listen: endpoint, routes: z.array(z.string()).min(1) }).optional(),
    })
    .optional(),
});

type Content = z.output<typeof content>;

export interface Enrolment extends Readonly<Omit<Content, 'group' | 'node' | 'peers'>> {
  readonly group: GroupName;
  readonly node: NodeName;
  /** Keys of every other node. */
  readonly peers: ReadonlyMap<NodeName, PeerKeys>;
}

export interface TokenFault {
  readonly code: 'token.malformed';
  readonly detail: string;
}

const PREFIX = 'routerd1.';
/** Enough to notice a token of which a part was not copied. Hexadecimal digits of SHA-256. */
const CHECK_DIGITS = 12;
/** A group of a thousand nodes is well below. */
const CONTENT_BYTES_MAX = 1_000_000;

export function encodeToken({ peers, ...rest }: Enrolment): string {
  const text = JSON.stringify({ ...rest, peers: Object.fromEntries(peers) });
  const body = deflateRawSync(text).toString('base64url');
  return `${PREFIX}${checkOf(body)}.${body}`;
}

/** White space is ignored: terminals and mails break long lines. */
export function parseToken(input: string): Result<Enrolment, TokenFault> {
  const malformed = (detail: string): Result<never, TokenFault> => err({ code: 'token.malformed', detail });
  const text = input.replaceAll(/\s/g, '');
  if (!text.startsWith(PREFIX)) return malformed(`an enrolment token begins with "${PREFIX}"`);
  const [check = '', body = '', ...extra] = text.slice(PREFIX.length).split('.');
  if (extra.length > 0 || check !== checkOf(body)) return malformed('the token is not complete, or was changed');
  let parsed: ReturnType<typeof content.safeParse>;
  try {
    const inflated = inflateRawSync(Buffer.from(body, 'base64url'), { maxOutputLength: CONTENT_BYTES_MAX });
    parsed = content.safeParse(JSON.parse(inflated.toString('utf8')));
  } catch {
    // The cause is not told: it could hold parts of the key.
    return malformed('the token is not one of this program');
  }
  if (!parsed.success) return malformed(`the token has another form: ${z.prettifyError(parsed.error)}`);
  const group = parseGroupName(parsed.data.group);
  const node = parseNodeName(parsed.data.node);
  if (!group.ok || !node.ok) return malformed('the token names no group or no node');
  const peers = new Map<NodeName, PeerKeys>();
  for (const [name, keys] of Object.entries(parsed.data.peers)) {
    const peer = parseNodeName(name);
    if (!peer.ok) return malformed(`the token names a peer that is none: ${JSON.stringify(name)}`);
    peers.set(peer.value, keys);
  }
  return ok({ ...parsed.data, group: group.value, node: node.value, peers });
}

function checkOf(body: string): string {
  return createHash('sha256').update(body).digest('hex').slice(0, CHECK_DIGITS);
}
