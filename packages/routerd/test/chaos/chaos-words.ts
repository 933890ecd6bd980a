/** What the test and its node processes say to each other: one JSON object a line. */
import { z } from 'zod';

export const nodeOptions = z.object({
  self: z.string(),
  seed: z.string(),
  servers: z.array(z.string()),
  /** Of a group whose operator signs who is in it; the node follows his list. */
  tls: z.object({ caFile: z.string(), rosterKey: z.string() }).optional(),
  peers: z.record(z.string(), z.string()),
  /** Who else is in the pool, also before it is known as a peer; the peers unless told. */
  others: z.array(z.string()).optional(),
  stateDir: z.string(),
  /** Third octet of the addresses that this node owns: 10.77.<octet>.0/24. */
  octet: z.number(),
});
export type NodeOptions = z.output<typeof nodeOptions>;

/** What a keeper of a hub is told. */
export const keeperOptions = z.object({
  stateDir: z.string(),
  storeDir: z.string(),
  serverName: z.string(),
  address: z.string(),
  operator: z.string(),
  /** Name → public key. */
  nodes: z.record(z.string(), z.string()),
  routes: z.array(z.string()),
});
export type KeeperOptions = z.output<typeof keeperOptions>;

/** Each state of a hub that is kept. */
export const keeperState = z.object({
  phase: z.string(),
  pid: z.number().nullable(),
  restarts: z.number(),
  lastError: z.string().nullable(),
});
export type KeeperState = z.output<typeof keeperState>;

/** Rates in times a second; 0 is none. */
export const order = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('load'), facts: z.number(), contends: z.boolean() }),
  z.object({ kind: z.literal('burst'), facts: z.number() }),
  z.object({ kind: z.literal('state') }),
]);
export type Order = z.output<typeof order>;

const wonRecord = z.object({
  key: z.string(),
  revision: z.number(),
  epoch: z.number(),
  holder: z.string().nullable(),
});
export type WonRecord = z.output<typeof wonRecord>;

const nodeState = z.object({
  kind: z.literal('state'),
  connected: z.boolean(),
  outbox: z.number(),
  lastError: z.string().nullable(),
  refused: z.record(z.string(), z.number()),
  dead: z.array(z.string()),
  /** `source address` → sequence. */
  accepted: z.record(z.string(), z.number()),
  /** Key → claim of the record that stands, and its epoch. */
  records: z.record(z.string(), z.object({ claim: z.string(), epoch: z.number() })),
  highWater: z.record(z.string(), z.number()),
  residentMiB: z.number(),
});
export type NodeState = z.output<typeof nodeState>;

export const report = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  /** A fact is on this node's disk: from now on it may not be lost. */
  z.object({ kind: z.literal('recorded'), facts: z.array(z.tuple([z.string(), z.number()])) }),
  z.object({ kind: z.literal('refused'), code: z.string() }),
  z.object({ kind: z.literal('won'), record: wonRecord }),
  nodeState,
]);
export type Report = z.output<typeof report>;
