import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = path.join(import.meta.dirname, '../src/main.ts');
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'routerd-serve-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function routerd(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { encoding: 'utf8', timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

const WRONG = `apiVersion: hybrid.routerd.net/v1alpha1
kind: AddressMobilityDomain
metadata: { name: lab }
spec: { prefix: 10.0.0.0/24, mode: selective-address }
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: AddressMobilityDomain
metadata: { name: lab }
spec: { prefix: 10.0.0.0/24, mode: selective-address }
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPear
metadata: { name: cloud }
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPeer
metadata: { name: cloud }
spec:
  role: cloud
  nodID: cloud-router
  nodeID: cloud-router
  underlay: { type: wireguard, interface: wg-cloud }
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: OverlayPeer
metadata: { name: cloud-two }
spec:
  role: cloud
  nodeID: cloud-router-two
  underlay: { type: wireguard, interface: wg-two }
---
apiVersion: hybrid.routerd.net/v1alpha1
kind: RemoteAddressClaim
metadata: { name: vm }
spec:
  domainRef: lab
  address: 10.9.9.9/32
  ownerSide: cloud
  capture: { type: proxy-arp, interface: lan0 }
  delivery: { peerRef: cloud-two }
`;

test('wrong input starts nothing, writes nothing, and every problem is named with its place and remedy', async () => {
  const config = path.join(folder, 'router.yaml');
  writeFileSync(config, WRONG);
  const stateDir = path.join(folder, 'state');
  const { code, stderr } = await routerd(
    'serve',
    '--config',
    config,
    '--state-dir',
    stateDir,
    '--socket',
    path.join(folder, 'sock'),
  );
  expect(code).toBe(1);
  expect(existsSync(stateDir)).toBe(false);
  expect(existsSync(path.join(folder, 'sock'))).toBe(false);
  expect(stderr).toMatch(/router\.yaml:8:\d+: error: .*lab.*\[/); // duplicate identity
  expect(stderr).toMatch(/router\.yaml:12:7: error: Unknown kind "OverlayPear"/);
  expect(stderr).toContain('Did you mean "OverlayPeer"?');
  expect(stderr).toMatch(/router\.yaml:20:3: error: Unknown field "nodID"/);
  expect(stderr).toMatch(/router\.yaml:37:12: error: .*10\.9\.9\.9\/32 is outside AddressMobilityDomain/);
  expect(stderr).toContain('config is not valid: nothing of');
});

test('a YAML syntax error is placed, and validate says the same without a daemon', async () => {
  const config = path.join(folder, 'router.yaml');
  writeFileSync(config, 'apiVersion: hybrid.routerd.net/v1alpha1\nkind: [OverlayPeer\nmetadata: {}\n');
  for (const verb of ['serve', 'validate'] as const) {
    const ended = await routerd(verb, '--config', config);
    expect(ended.code).toBe(1);
    expect(ended.stdout + ended.stderr).toMatch(/router\.yaml:\d+:\d+: error: .*\[yaml\./);
  }
});

test('a configuration that cannot be read is an error of its own', async () => {
  const { code, stderr } = await routerd('serve', '--config', path.join(folder, 'nothing.yaml'));
  expect(code).toBe(1);
  expect(stderr).toContain('no such file or folder');
});

test('a state folder that cannot be made is told with what to do, and by no stack', async () => {
  const config = path.join(folder, 'router.yaml');
  writeFileSync(
    config,
    'apiVersion: net.routerd.net/v1alpha1\nkind: Interface\nmetadata: { name: lan }\nspec: { ifname: lan0 }\n',
  );
  const { code, stderr } = await routerd('serve', '--config', config, '--state-dir', path.join(config, 'state'));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error: The state file .*\n {2}Correct the path, [^\n]*\n$/);
});

test('wrong usage is told apart by its exit code', async () => {
  expect((await routerd('serv')).code).toBe(2);
  expect((await routerd('serve', '--no-such-flag')).code).toBe(2);
});
