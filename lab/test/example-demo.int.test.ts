import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '@routerd/runtime';
import { EXAMPLES_DIR } from '../src/examples.ts';

// What the operator's scripts do with their settings, before they do anything else. The scripts themselves run against the lab in E1.

let dir = '';

beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'routerd-demo-'));
  cpSync(path.join(EXAMPLES_DIR, 'cloudedge-mobility-demo'), dir, { recursive: true });
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const EXAMPLE = readFileSync(path.join(EXAMPLES_DIR, 'cloudedge-mobility-demo/env.example'), 'utf8');
/** A way to machines on which every command succeeds and says nothing. */
const SETTINGS = EXAMPLE.replace(/^ON=.*$/m, 'ON=true');

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** From another folder, as somebody may call it. */
async function reset(settings: string | undefined, env: Readonly<Record<string, string>> = {}): Promise<Said> {
  rmSync(path.join(dir, 'env'), { force: true });
  if (settings !== undefined) writeFileSync(path.join(dir, 'env'), settings);
  const result = await runCommand(['sh', path.join(dir, 'reset-lab.sh')], {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  return result.ok
    ? { code: 0, out: result.value.stdout, err: result.value.stderr }
    : { code: result.error.exitCode ?? -1, out: result.error.stdout, err: result.error.stderr };
}

test('the settings as the example has them are complete, and are read from the file named env beside the scripts', async () => {
  expect(await reset(SETTINGS)).toEqual({
    code: 0,
    out: 'ok    no drain of aws-router-a stands\nreset-lab: PASS\n',
    err: '',
  });
});

test('without settings it says how to make them', async () => {
  const said = await reset(undefined);
  expect(said).toMatchObject({ code: 2, out: '' });
  expect(said.err).toBe('error: there is no ./env. Copy env.example to env and fill it in.\n');
});

const clients = (text: string): string => SETTINGS.replace(/^CLIENTS=.*$/m, `CLIENTS="${text}"`);

test.each([
  ['a setting that is missing', SETTINGS.replace(/^SUCCESSOR=.*$/m, ''), 'SUCCESSOR is not set'],
  ['a setting that is empty', clients(''), 'CLIENTS is not set'],
  [
    'a program that is not there',
    SETTINGS.replace('ON=true', 'ON=./on-foot'),
    'ON: there is no program ./on-foot that can be run',
  ],
  ['a subnet that is none', SETTINGS.replace(/^SUBNET=.*$/m, 'SUBNET=10.77.60.0'), '"10.77.60.0" is no prefix'],
  [
    'a client in another subnet',
    clients('a=10.77.60.10 b=10.77.61.10'),
    'CLIENTS: 10.77.61.10 of b does not lie in SUBNET, 10.77.60.0/24',
  ],
  ['a client without an address', clients('a=10.77.60.10 b'), '"b" is not written NAME=ADDRESS'],
  ['an address that is none', clients('a=10.77.60.10 b=10.77.60.300'), '"10.77.60.300" of b is no IPv4 address'],
  ['one address twice', clients('a=10.77.60.10 b=10.77.60.10'), 'two of them have 10.77.60.10'],
  ['one client alone', clients('a=10.77.60.10'), 'one client has nobody to talk to'],
  [
    'a router that is not among them',
    SETTINGS.replace(/^OPERATOR=.*$/m, 'OPERATOR=onprem-router-c'),
    'onprem-router-c is not among ROUTERS',
  ],
  [
    'a router that succeeds itself',
    SETTINGS.replace(/^SUCCESSOR=.*$/m, 'SUCCESSOR=aws-router-a'),
    'DRAINED and SUCCESSOR are the same router',
  ],
])('%s is named, and nothing is done', async (_, settings, complaint) => {
  const said = await reset(settings, { SUCCESSOR: 'of-the-caller' });
  expect(said).toMatchObject({ code: 2, out: '' });
  expect(said.err).toContain(`error: ./env: `);
  expect(said.err).toContain(complaint);
  expect(said.err).toMatch(/Nothing was done\.\n$/);
});
