import path from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '@routerd/runtime';

const main = path.join(import.meta.dirname, '../src/cli.ts');

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The lab's command line on a name that nobody uses. */
async function lab(...args: readonly string[]): Promise<Said> {
  // First: what follows the host of `shell` belongs to the command there.
  const { NODE_COMPILE_CACHE: cache } = process.env;
  const env = cache === undefined ? {} : { NODE_COMPILE_CACHE: cache };
  const result = await runCommand([process.execPath, main, '--lab', `t${process.pid}`, ...args], { env });
  return result.ok
    ? { code: 0, out: result.value.stdout, err: result.value.stderr }
    : { code: result.error.exitCode ?? -1, out: result.error.stdout, err: result.error.stderr };
}

test('help and the list of scenarios need no lab', async () => {
  const help = await lab('--help');
  expect(help.code).toBe(0);
  expect(help.out).toContain('pnpm lab scenario D3');
  const list = await lab('demo', '--list');
  expect(list.code).toBe(0);
  const cards = await lab('cloud', 'cards');
  for (const card of ['throttle', 'stale-reads', 'no-identity']) expect(cards.out).toContain(card);
  for (const id of ['D1', 'D2', 'D3', 'R1', 'G1', 'P1', 'P2', 'P3']) expect(list.out).toContain(id);
});

test('wrong usage ends with 2, names what is wrong and where to look', async () => {
  for (const args of [
    ['dance'],
    ['demo', '--only', 'D99'],
    ['demo', '--only', 'D2,'],
    ['demo', '--all', '--only', 'D2'],
    ['demo', '--repeat', '0'],
    ['scenario', 'D1', '--repeat', '2'],
    ['wan-delay', 'soon'],
    ['shell'],
    ['up', '--size', '3'],
    ['up', '--sites', 'onprem,mars'],
    ['up', '--executor', 'mars=plugins/fake'],
    ['cloud', 'dance'],
  ]) {
    const said = await lab(...args);
    expect(said.code, args.join(' ')).toBe(2);
    expect(said.err).toMatch(/^error: /);
  }
  expect((await lab('demo', '--only', 'D99')).err).toContain('Scenarios: D1 D2 D3 R1');
});

test('what needs a lab that is up says how to get one, and taking down none is no fault', async () => {
  for (const args of [['status'], ['scenario', 'D2'], ['shell', 'onprem-client'], ['cloud', 'fault', 'aws', 'off']]) {
    const said = await lab(...args);
    expect(said.code, args.join(' ')).toBe(1);
    expect(said.err).toContain('remedy: Start one with "pnpm lab up".');
  }
  expect(await lab('down')).toMatchObject({ code: 0, err: '' });
});
