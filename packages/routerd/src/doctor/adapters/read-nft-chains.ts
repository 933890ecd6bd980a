/** Chains of nftables that are not ours, as they are listed. */
import type { CommandOptions, CommandResult } from '@routerd/runtime';
import { z } from 'zod';
import type { Reading } from '../doctor-facts.ts';
import type { NftChain } from '../nft-verdict.ts';

const listing = z.object({
  nftables: z.array(
    z.object({
      chain: z
        .object({
          family: z.string(),
          table: z.string(),
          name: z.string(),
          handle: z.number(),
          hook: z.string().optional(),
          policy: z.string().optional(),
        })
        .optional(),
      rule: z
        .object({
          family: z.string(),
          table: z.string(),
          chain: z.string(),
          handle: z.number(),
          expr: z.array(z.record(z.string(), z.unknown())).default([]),
        })
        .optional(),
    }),
  ),
});

/** Those of ours have checks of their own. */
const OURS: readonly string[] = ['inet routerd_mss', 'inet routerd_filter', 'ip routerd_nat'];

export async function readNftChains(
  run: (argv: readonly [string, ...string[]], options?: CommandOptions) => Promise<CommandResult>,
): Promise<Reading<readonly NftChain[]>> {
  const listed = await run(['nft', '-j', 'list', 'ruleset']);
  if (listed.ok) return chainsOf(listed.value.stdout);
  const { code, stderr } = listed.error;
  return { kind: 'unreadable', detail: code === 'command.not-found' ? 'nft is not installed' : stderr.trim() };
}

function chainsOf(text: string): Reading<readonly NftChain[]> {
  const parsed = listing.safeParse(JSON.parse(text));
  if (!parsed.success) return { kind: 'unreadable', detail: 'the listing of nft could not be understood' };
  const entries = parsed.data.nftables;
  const rules = Map.groupBy(
    entries.flatMap(({ rule }) => rule ?? []),
    ({ family, table, chain }) => `${family} ${table} ${chain}`,
  );
  const chains = entries
    .flatMap(({ chain }) => chain ?? [])
    .filter(({ family, table }) => !OURS.includes(`${family} ${table}`))
    .map(({ family, table, name, handle, hook, policy }) => ({
      family,
      table,
      name,
      handle,
      hook,
      policy,
      rules: (rules.get(`${family} ${table} ${name}`) ?? []).map((rule) => ({ handle: rule.handle, expr: rule.expr })),
    }));
  return { kind: 'read', value: chains };
}
