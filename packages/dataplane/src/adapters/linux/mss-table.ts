/** The clamps as nftables table `inet routerd_mss`. */
import { z } from 'zod';
import type { HostFault } from '../../ports.ts';
import type { MssClamp } from '../../host-state.ts';
import { faultOfCommand, type RunHostCommand } from './host-command.ts';
import { NFT_TRANSACTION } from './nft-tables.ts';

/**
 * Ownership is told by a counter with a comment: JSON listings of nft 1.0.6 show the comments of counters and rules, and drop those
 * of tables and chains.
 */
const OWNER = 'routerd:owner=dataplane';
const TO_TUNNEL = 'routerd capture-to-tunnel';
const TO_CAPTURE = 'routerd tunnel-to-capture';

export type MssTable =
  | { readonly kind: 'absent' }
  | { readonly kind: 'ours'; readonly clamps: readonly MssClamp[] }
  /** Somebody else's table of that name. */
  | { readonly kind: 'foreign' };

export async function readMssTable(run: RunHostCommand): Promise<MssTable | HostFault> {
  const result = await run(['nft', '-j', 'list', 'table', 'inet', 'routerd_mss']);
  if (result.ok) return parseMssTable(JSON.parse(result.value.stdout));
  if (result.error.code === 'command.not-found' || result.error.stderr.includes('No such file or directory'))
    return { kind: 'absent' };
  return faultOfCommand(result.error);
}

export function isFault(table: MssTable | HostFault): table is HostFault {
  return 'code' in table;
}

/** Replaces the table in one transaction: declare, delete, declare works whether it is there or not. */
export async function replaceMssTable(
  run: RunHostCommand,
  clamps: readonly MssClamp[],
): Promise<HostFault | undefined> {
  const result = await run(NFT_TRANSACTION, { input: renderMssTable(clamps) });
  return result.ok ? undefined : faultOfCommand(result.error);
}

/** Declared first, so that removing what is absent succeeds. */
export const MSS_TABLE_REMOVAL = 'table inet routerd_mss\ndelete table inet routerd_mss\n';

export async function removeMssTable(run: RunHostCommand): Promise<HostFault | undefined> {
  const result = await run(NFT_TRANSACTION, { input: MSS_TABLE_REMOVAL });
  return result.ok ? undefined : faultOfCommand(result.error);
}

/** `maxseg size set` only ever lowers. Both directions: the far end's SYN-ACK crosses from tunnel to capture interface. */
export function renderMssTable(clamps: readonly MssClamp[]): string {
  const rule = (from: string, to: string, mss: number, comment: string): string =>
    `    iifname "${from}" oifname "${to}" tcp flags syn / syn,rst tcp option maxseg size set ${mss} comment "${comment}"`;
  const rules = clamps.flatMap(({ captureInterface, tunnelInterface, mss }) => [
    rule(captureInterface, tunnelInterface, mss, TO_TUNNEL),
    rule(tunnelInterface, captureInterface, mss, TO_CAPTURE),
  ]);
  return [
    'table inet routerd_mss',
    'delete table inet routerd_mss',
    'table inet routerd_mss {',
    '  comment "routerd.owner=routerd routerd.generation=1"', // for people and their tools: JSON listings leave it out
    `  counter owner { comment "${OWNER}"; }`,
    '  chain forward {',
    '    type filter hook forward priority mangle; policy accept;',
    ...rules,
    '  }',
    '}',
    '',
  ].join('\n');
}

const listing = z.object({
  nftables: z.array(
    z.object({
      counter: z.object({ name: z.string(), comment: z.string().optional() }).optional(),
      rule: z.object({ comment: z.string().optional(), expr: z.array(z.unknown()) }).optional(),
    }),
  ),
});
const interfaceMatch = z.object({
  match: z.object({
    left: z.object({ meta: z.object({ key: z.enum(['iifname', 'oifname']) }) }),
    right: z.string(),
  }),
});
const segmentSize = z.object({
  mangle: z.object({ key: z.object({ 'tcp option': z.object({ name: z.literal('maxseg') }) }), value: z.number() }),
});

/** A path of which one direction is missing or differs is left out, so that the next diff writes both. */
export function parseMssTable(json: unknown): MssTable {
  const { nftables } = listing.parse(json);
  if (!nftables.some(({ counter }) => counter?.name === 'owner' && counter.comment === OWNER))
    return { kind: 'foreign' };
  const rules = nftables.flatMap(({ rule }) => (rule === undefined ? [] : [ruleOf(rule)]));
  const back = new Set(
    rules.filter(({ comment }) => comment === TO_CAPTURE).map(({ from, to, mss }) => `${to} ${from} ${mss}`),
  );
  const clamps = rules
    .filter(({ comment, from, to, mss }) => comment === TO_TUNNEL && back.has(`${from} ${to} ${mss}`))
    .map(({ from, to, mss }) => ({ captureInterface: from, tunnelInterface: to, mss }));
  return { kind: 'ours', clamps };
}

function ruleOf({ comment, expr }: { readonly comment?: string | undefined; readonly expr: readonly unknown[] }): {
  readonly comment: string | undefined;
  readonly from: string;
  readonly to: string;
  readonly mss: number;
} {
  let [from, to, mss] = ['', '', 0];
  for (const part of expr) {
    const match = interfaceMatch.safeParse(part);
    if (match.success) {
      const { left, right } = match.data.match;
      if (left.meta.key === 'iifname') from = right;
      else to = right;
    }
    const size = segmentSize.safeParse(part);
    if (size.success) mss = size.data.mangle.value;
  }
  return { comment, from, to, mss };
}
