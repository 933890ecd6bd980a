/**
 * A host whose firewall somebody else made, in nftables, and which would drop what we forward:
 * apply works beside it, doctor names the chain and the handle, and not a letter of it is edited.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createLinuxHost, lower } from '@routerd/dataplane';
import { RecordingLog, runCommand, systemClock, type CommandOptions, type CommandResult } from '@routerd/runtime';
import { expect, onTestFinished, test } from 'vitest';
import { readHostFacts } from '../src/doctor/adapters/read-host.ts';
import { examine } from '../src/doctor/examine.ts';
import type { Finding } from '../src/doctor/finding.ts';
import { factsOf, resource } from './doctor-facts.ts';

const MAIN = path.join(import.meta.dirname, '../src/main.ts');
const NAMESPACE = `beside${process.pid}`;
const INSIDE = ['ip', 'netns', 'exec', NAMESPACE] as const;

function inside(...argv: readonly string[]): string {
  return execFileSync('ip', ['netns', 'exec', NAMESPACE, ...argv], { encoding: 'utf8', timeout: 120_000 });
}

const THEIRS = `table inet theirs {
  chain way {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "lan0" oifname "ov0" counter reject
  }
}
table ip other {
  chain far { type filter hook forward priority 10; policy accept; ip daddr 10.77.60.11 drop; }
}
`;

const claim = (host: number) =>
  resource('hybrid', 'RemoteAddressClaim', `vm-${host}`, {
    domainRef: 'net',
    address: `10.77.60.${host}/32`,
    ownerSide: 'cloud',
    capture: { type: 'proxy-arp', interface: 'lan0' },
    delivery: { peerRef: 'cloud' },
  });
const RESOURCES = [
  resource('net', 'Interface', 'lan', { ifname: 'lan0' }),
  resource('hybrid', 'OverlayPeer', 'cloud', {
    role: 'cloud',
    nodeID: 'cloud',
    underlay: { type: 'route', interface: 'ov0' },
  }),
  resource('hybrid', 'AddressMobilityDomain', 'net', { prefix: '10.77.60.0/24', mode: 'selective-address' }),
  resource('firewall', 'FirewallZone', 'lan', { role: 'trust', interfaces: ['lan0', 'ov0'] }),
  claim(10),
  claim(11),
];

async function findings(): Promise<readonly Finding[]> {
  const { claims, state } = lower(RESOURCES, { isCaptureOpen: () => true });
  const host = createLinuxHost({ clock: systemClock, log: new RecordingLog(), commandPrefix: INSIDE });
  const run = async (argv: readonly [string, ...string[]], options?: CommandOptions): Promise<CommandResult> =>
    runCommand([...INSIDE, ...argv], options);
  const facts = factsOf({
    effective: RESOURCES,
    claims,
    mssClamps: state.mssClamps,
    host: await readHostFacts({ host, run }, claims, new Set()),
  });
  return examine(facts, ['hybrid']).checks.filter(({ code }) => code === 'hybrid.foreign-table');
}

test('a firewall of others that drops what we forward is named by chain and handle, and never edited', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'routerd-beside-'));
  onTestFinished(() => {
    execFileSync('ip', ['netns', 'del', NAMESPACE]);
    rmSync(folder, { recursive: true, force: true });
  });
  execFileSync('ip', ['netns', 'add', NAMESPACE]);
  for (const link of ['lan0', 'ov0']) {
    inside('ip', 'link', 'add', link, 'type', 'ifb');
    inside('ip', 'link', 'set', link, 'up');
  }
  inside('ip', 'addr', 'add', '10.77.60.2/24', 'dev', 'lan0');
  const file = path.join(folder, 'theirs.nft');
  writeFileSync(file, THEIRS);
  inside('nft', '-f', file);
  const theirs = (): string =>
    inside('nft', '-a', 'list', 'table', 'inet', 'theirs') + inside('nft', '-a', 'list', 'table', 'ip', 'other');
  const before = theirs();
  const handleOf = (words: string): string => new RegExp(`${words}[^;\n]* # handle (\\d+)`).exec(before)?.[1] ?? 'none';

  const config = path.join(folder, 'router.yaml');
  writeFileSync(config, RESOURCES.map((entry) => JSON.stringify(entry)).join('\n---\n'));
  const applied = inside(process.execPath, MAIN, 'apply', '--once', '--config', config, '--state-dir', folder);
  expect(applied).toMatch(/^Applied: /m);
  expect(inside('nft', 'list', 'tables')).toContain('table inet routerd_filter');
  expect(theirs()).toBe(before);

  const found = await findings();
  expect(found.map(({ name, status }) => [name, status])).toEqual([
    [`inet theirs way handle ${handleOf('reject')}`, 'warn'],
    ['inet theirs way, its policy', 'warn'],
    [`ip other far handle ${handleOf('drop')}`, 'warn'],
  ]);
  expect(found.every(({ remedy }) => remedy?.includes('nft ') === true)).toBe(true);
  expect(theirs()).toBe(before);

  inside('nft', 'delete', 'table', 'inet', 'theirs');
  inside('nft', 'delete', 'table', 'ip', 'other');
  expect((await findings()).map(({ status }) => status)).toEqual(['pass']);
  inside(process.execPath, MAIN, 'cleanup', '--state-dir', folder);
  expect(inside('nft', 'list', 'tables').trim()).toBe('');
});
