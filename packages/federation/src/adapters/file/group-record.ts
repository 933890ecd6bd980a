/** `group.json`, who is in a group, as the operator's folder keeps it: read, written and changed by one program at a time. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { err, ok, parseNodeName, type NodeName, type Result } from '@routerd/resources';
import { z } from 'zod';
import { peerDocuments } from '../../enrolment/group-documents.ts';
import type { HubRemovalFault } from '../../enrolment/hub-removal.ts';
import { parseGroupName } from '../../subjects.ts';
import { writeFilesAtomically } from './atomic-file.ts';
import { holdFolder } from './folder-lock.ts';

const hub = z.strictObject({ address: z.string(), port: z.number().int() });
/** Names are checked here, so that they can be taken for what they are below. */
const node = z.string().refine((text) => parseNodeName(text).ok, 'is no name of a node');
const record = z.strictObject({
  version: z.literal(1),
  group: z.string().refine((text) => parseGroupName(text).ok, 'is no name of a group'),
  /** Of the list of members; grows with each change. */
  serial: z.number().int().min(0).default(0),
  hubs: z.record(node, hub),
  nodes: z.record(node, z.strictObject({ publicKey: z.string(), nextPublicKey: z.string().optional() })),
});
export type GroupRecord = z.output<typeof record>;

export interface HubAddress {
  readonly address: string;
  readonly port: number;
}

export interface MaterialFault {
  readonly code:
    | 'material.busy'
    | 'material.exists'
    | 'material.address-taken'
    | 'material.unreadable'
    | 'material.not-written'
    | 'material.node-exists'
    | 'material.no-such-node'
    | 'material.not-rotating'
    | HubRemovalFault['code']
    | 'material.bad-name';
  readonly detail: string;
}

/** Who is in the group, and what the machines are told of it: both or, where that fails, neither. */
export async function save(folder: string, made: GroupRecord): Promise<void> {
  const next = { ...made, serial: made.serial + 1 };
  const peers = new Map(Object.entries(made.nodes).map(([node, keys]) => [node as NodeName, keys]));
  await writeFilesAtomically([
    { file: recordFile(folder), text: `${JSON.stringify(next, undefined, 2)}\n`, mode: 0o600 },
    { file: peersFile(folder), text: peerDocuments(made.group, peers, next.serial), mode: 0o644 },
  ]);
}

export async function load(folder: string): Promise<Result<GroupRecord, MaterialFault>> {
  const unreadable = (detail: string): Result<never, MaterialFault> => err({ code: 'material.unreadable', detail });
  try {
    const text = await readIfThere(recordFile(folder));
    if (text === undefined) return unreadable(`${folder} holds no material of a group; start one with init`);
    const parsed = record.safeParse(JSON.parse(text));
    return parsed.success ? ok(parsed.data) : unreadable(`${recordFile(folder)}: ${z.prettifyError(parsed.error)}`);
  } catch (cause) {
    return unreadable(`${recordFile(folder)}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** Rejects when it is there and cannot be read. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw cause;
  }
}

/** Also when it cannot be read. */
export async function isThere(file: string): Promise<boolean> {
  return readIfThere(file).then(
    (text) => text !== undefined,
    () => true,
  );
}

/** Names were checked when the record was read. */
export function byNode<T>(all: Readonly<Record<string, T>>): ReadonlyMap<NodeName, T> {
  return new Map(Object.entries(all).map(([name, value]) => [name as NodeName, value]));
}

/** One change at a time, also of two programs. A folder that is not there holds no group, which the work itself finds out. */
export async function changing<T>(
  folder: string,
  work: () => Promise<Result<T, MaterialFault>>,
): Promise<Result<T, MaterialFault>> {
  if (!(await isThere(folder))) return work();
  try {
    const held = await holdFolder(folder, work);
    if (held.kind === 'held') return held.value;
    const detail = `process ${held.pid} is changing ${folder}; say it again when it is done (if that is no routerctl, remove ${path.join(folder, '.lock')})`;
    return err({ code: 'material.busy', detail });
  } catch (cause) {
    return notWritten(cause);
  }
}

export async function writing<T>(work: () => Promise<T>): Promise<Result<T, MaterialFault>> {
  try {
    return ok(await work());
  } catch (cause) {
    return notWritten(cause);
  }
}

export function notWritten(cause: unknown): Result<never, MaterialFault> {
  return err({ code: 'material.not-written', detail: cause instanceof Error ? cause.message : String(cause) });
}

/** Never leaves the operator's folder: a hub must not be able to say who is in the group. */
export function rosterSeedFile(folder: string): string {
  return path.join(folder, 'roster.seed');
}

/** Where the documents of all nodes are; public, for the configuration of every machine. */
export function peersFile(folder: string): string {
  return path.join(folder, 'peers.yaml');
}

export function recordFile(folder: string): string {
  return path.join(folder, 'group.json');
}
