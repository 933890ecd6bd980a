/** Who is in the group and where its hubs are, signed by the operator: hubs carry it, nobody but the operator can change it. Pure. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { err, ok, parseNodeName, type NodeName, type Result } from '@routerd/resources';
import { z } from 'zod';
import type { Signer, VerifySignature } from '../node-identity.ts';
import { parseGroupName, type GroupName } from '../subjects.ts';
import type { PeerKeys } from './group-documents.ts';

const named = <T extends z.ZodType>(value: T): z.ZodRecord<z.ZodString, T> =>
  z.record(
    z.string().refine((text) => parseNodeName(text).ok, 'is no name of a node'),
    value,
  );
const content = z.strictObject({
  group: z.string().refine((text) => parseGroupName(text).ok, 'is no name of a group'),
  serial: z.number().int().positive(),
  hubs: named(z.strictObject({ address: z.string(), port: z.number().int() })),
  nodes: named(z.strictObject({ publicKey: z.string(), nextPublicKey: z.string().optional() })),
});

export interface Roster {
  readonly group: GroupName;
  /** Grows with each change of the group; a lower one than was seen before is old. */
  readonly serial: number;
  readonly hubs: ReadonlyMap<NodeName, { readonly address: string; readonly port: number }>;
  readonly nodes: ReadonlyMap<NodeName, PeerKeys>;
}

export interface RosterFault {
  readonly code: 'roster.malformed' | 'roster.bad-signature' | 'roster.wrong-group';
  readonly detail: string;
}

const PREFIX = 'routerd-roster1';
/** What a hub takes as one message, with room for its head. About 800 nodes. */
export const ROSTER_BYTES_MAX = 60_000;
const CONTENT_BYTES_MAX = 1_000_000;

/** `routerd-roster1.<signature>.<content>`, in base64url; the content is deflated JSON, and signed as it stands there. */
export function signRoster({ group, serial, hubs, nodes }: Roster, sign: Signer['sign']): string {
  const listed = { group, serial, hubs: Object.fromEntries(hubs), nodes: Object.fromEntries(nodes) };
  const body = deflateRawSync(JSON.stringify(listed)).toString('base64url');
  return `${PREFIX}.${Buffer.from(sign(Buffer.from(body))).toString('base64url')}.${body}`;
}

/** The signature comes first: nothing of what anybody else wrote is looked at. */
export function readRoster(text: string, verify: VerifySignature, group: string): Result<Roster, RosterFault> {
  const [prefix, signature = '', body = '', ...extra] = text.trim().split('.');
  if (prefix !== PREFIX || extra.length > 0) return err({ code: 'roster.malformed', detail: 'not a list of members' });
  if (!verify(Buffer.from(body), Buffer.from(signature, 'base64url'))) {
    return err({ code: 'roster.bad-signature', detail: 'not signed by the operator of this group' });
  }
  let parsed: ReturnType<typeof content.safeParse>;
  try {
    const inflated = inflateRawSync(Buffer.from(body, 'base64url'), { maxOutputLength: CONTENT_BYTES_MAX });
    parsed = content.safeParse(JSON.parse(inflated.toString('utf8')));
  } catch (cause) {
    return err({ code: 'roster.malformed', detail: cause instanceof Error ? cause.message : String(cause) });
  }
  if (!parsed.success) return err({ code: 'roster.malformed', detail: z.prettifyError(parsed.error) });
  if (parsed.data.group !== group) {
    return err({ code: 'roster.wrong-group', detail: `of group ${parsed.data.group}` });
  }
  return ok({
    group: parsed.data.group as GroupName,
    serial: parsed.data.serial,
    hubs: byNode(parsed.data.hubs),
    nodes: byNode(parsed.data.nodes),
  });
}

/** Names were checked by the form. */
function byNode<T>(record: Readonly<Record<string, T>>): ReadonlyMap<NodeName, T> {
  return new Map(Object.entries(record).map(([name, value]) => [name as NodeName, value]));
}
