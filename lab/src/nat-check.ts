/** Whether a machine translates addresses: by its rules, and by the connections that its kernel tracks. */
import { existsSync, readFileSync } from 'node:fs';
import { textOf } from './lab-fault.ts';
import type { Vm } from './vm.ts';

export interface TranslationFound {
  /** `none`, or the rules. */
  readonly rules: string;
  /** `none`, or the connections. */
  readonly connections: string;
  readonly raw: string;
}

/** Statements and chain types that translate (nft(8), "NAT statements"). */
const TRANSLATES = /\btype nat\b|\b(snat|dnat|masquerade|redirect|tproxy)\b/;

export async function findTranslation(vm: Vm): Promise<TranslationFound> {
  const ruleset = await vm.nftOutput('list', 'ruleset');
  const nftRules = ruleset.split('\n').filter((line) => TRANSLATES.test(line) && !/^\s*comment /.test(line));
  const rules = [...nftRules.map((line) => line.trim()), ...legacyTables(vm)];
  // --any-nat lists only the entries whose reply direction differs. Without connection tracking in the kernel there is nothing to translate with.
  const tracked = textOf(await vm.exec(['conntrack', '-L', '--any-nat']));
  const connections = tracked.split('\n').filter((line) => / src=/.test(line));
  return {
    rules: rules.length === 0 ? 'none' : rules.join('; '),
    connections: connections.length === 0 ? 'none' : connections.join('; '),
    raw: `# nft list ruleset\n${ruleset}\n# conntrack -L --any-nat\n${tracked}\n`,
  };
}

/** Tables of the old iptables, which nft does not show. */
function legacyTables(vm: Vm): readonly string[] {
  const file = `/proc/${vm.record.holder.pid}/net/ip_tables_names`;
  if (!existsSync(file)) return [];
  return readFileSync(file, 'latin1')
    .split('\n')
    .filter((name) => name === 'nat');
}
