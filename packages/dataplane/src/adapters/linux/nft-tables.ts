/** Tables of nftables that are wholly ours: firewall and translation. The clamps have their own file, `mss-table.ts`. */
import { z } from 'zod';
import type { ObservedTable } from '../../host-op.ts';
import { digestOfTable } from '../../host-slot.ts';
import type { NftTable } from '../../host-state.ts';
import type { HostFault } from '../../ports.ts';
import { textDigest } from '../../text-digest.ts';
import { faultOfCommand, type RunHostCommand } from './host-command.ts';

type TableName = Pick<NftTable, 'family' | 'name'>;

/** Takes what is to be done on standard input, as one transaction. */
export const NFT_TRANSACTION = ['nft', '-f', '-'] as const;

const NAMES: readonly TableName[] = [
  { family: 'inet', name: 'routerd_filter' },
  { family: 'ip', name: 'routerd_nat' },
];

/** `nft -j list tables`: every table as `FAMILY NAME`. */
export async function listTables(run: RunHostCommand): Promise<ReadonlySet<string> | HostFault> {
  const result = await run(['nft', '-j', 'list', 'tables']);
  if (result.ok) return parseTableNames(JSON.parse(result.value.stdout));
  return result.error.code === 'command.not-found' ? new Set() : faultOfCommand(result.error);
}

/** @param present as `listTables` tells it; a table of our name without our mark is somebody else's, and left out */
export async function readTables(
  run: RunHostCommand,
  present: ReadonlySet<string>,
): Promise<readonly ObservedTable[] | HostFault> {
  const readings = await Promise.all(
    NAMES.filter((table) => present.has(`${table.family} ${table.name}`)).map(async (table) => readTable(run, table)),
  );
  const tables: ObservedTable[] = [];
  for (const reading of readings) {
    if ('code' in reading) return reading;
    if (reading.kind === 'ours') tables.push(reading.table);
  }
  return tables;
}

/** Two transactions: the table, then its mark with a digest of the table as `nft` lists it, by which a later reading tells that nobody changed it. */
export async function replaceTable(run: RunHostCommand, table: NftTable): Promise<HostFault | undefined> {
  const fault = await refusalOf(run, table);
  if (fault !== undefined) return fault;
  const written = await run(NFT_TRANSACTION, { input: renderTable(table) });
  if (!written.ok) return faultOfCommand(written.error);
  const shown = await run(['nft', '-j', 'list', 'table', table.family, table.name]);
  if (!shown.ok) return faultOfCommand(shown.error);
  const listed = listingDigest(listing.parse(JSON.parse(shown.value.stdout)).nftables);
  const marked = await run(NFT_TRANSACTION, { input: renderTableMark(table, listed) });
  return marked.ok ? undefined : faultOfCommand(marked.error);
}

/** Removing what is absent succeeds. */
export async function removeTable(run: RunHostCommand, table: TableName): Promise<HostFault | undefined> {
  const fault = await refusalOf(run, table);
  if (fault !== undefined) return fault;
  const result = await run(NFT_TRANSACTION, { input: removalOfTable(table) });
  return result.ok ? undefined : faultOfCommand(result.error);
}

/** Declared first, so that removing what is absent succeeds. */
export function removalOfTable({ family, name }: TableName): string {
  return `table ${family} ${name}\ndelete table ${family} ${name}\n`;
}

/** Stands for the digest of a listing that nobody has seen yet. */
export const LISTING_TO_COME = 'DIGEST-OF-WHAT-NFT-LISTS';

/** @param listed digest of the table as `nft` lists it */
export function renderTableMark(table: NftTable, listed: string): string {
  const counter = `${table.family} ${table.name} owner`;
  return `delete counter ${counter}\nadd counter ${counter} { comment "${markOf(table, listed)}"; }\n`;
}

export function renderTable(table: NftTable): string {
  const name = `table ${table.family} ${table.name}`;
  return [
    name,
    `delete ${name}`,
    `${name} {`,
    '  comment "routerd.owner=routerd routerd.generation=1"', // for people and their tools: JSON listings leave it out
    `  counter owner { comment "${markOf(table, UNKNOWN)}"; }`,
    ...table.lines.map((line) => `  ${line}`),
    '}',
    '',
  ].join('\n');
}

const UNKNOWN = '-';

function markOf(table: NftTable, listed: string): string {
  return `routerd:owner=dataplane desired=${digestOfTable(table)} listing=${listed}`;
}

type TableReading = { readonly kind: 'absent' | 'foreign' } | { readonly kind: 'ours'; readonly table: ObservedTable };

async function readTable(run: RunHostCommand, table: TableName): Promise<TableReading | HostFault> {
  const result = await run(['nft', '-j', 'list', 'table', table.family, table.name]);
  if (result.ok) return parseTable(table, JSON.parse(result.value.stdout));
  if (result.error.stderr.includes('No such file or directory')) return { kind: 'absent' };
  return faultOfCommand(result.error);
}

async function refusalOf(run: RunHostCommand, table: TableName): Promise<HostFault | undefined> {
  const reading = await readTable(run, table);
  if ('code' in reading) return reading;
  if (reading.kind !== 'foreign') return undefined;
  const detail = `a table ${table.family} ${table.name} that is not ours is in the way`;
  return { code: 'host.refused', detail, retry: 'later' };
}

const names = z.object({
  nftables: z.array(z.object({ table: z.object({ family: z.string(), name: z.string() }).optional() })),
});
const listing = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) });
const ownerCounter = z.object({ counter: z.object({ name: z.literal('owner'), comment: z.string().optional() }) });

export function parseTableNames(json: unknown): ReadonlySet<string> {
  return new Set(names.parse(json).nftables.flatMap(({ table }) => (table ? [`${table.family} ${table.name}`] : [])));
}

export function parseTable({ family, name }: TableName, json: unknown): TableReading {
  const { nftables } = listing.parse(json);
  const comments = nftables.flatMap((entry) => ownerCounter.safeParse(entry).data?.counter.comment ?? []);
  const mark = /^routerd:owner=dataplane desired=([0-9a-f]{16}) listing=([0-9a-f]{16}|-)$/.exec(comments[0] ?? '');
  if (mark === null) return { kind: 'foreign' };
  const [, desired, listed] = mark;
  return { kind: 'ours', table: { family, name, digest: listed === listingDigest(nftables) ? desired : undefined } };
}

/** Of everything but what changes by itself (handles, counts, elements that packets add) and our mark. */
function listingDigest(nftables: readonly Readonly<Record<string, unknown>>[]): string {
  const lasting = nftables.filter((entry) => !('metainfo' in entry) && !ownerCounter.safeParse(entry).success);
  return textDigest(
    JSON.stringify(lasting, (key, value: unknown) =>
      ['handle', 'packets', 'bytes', 'elem'].includes(key) ? undefined : value,
    ),
  );
}
