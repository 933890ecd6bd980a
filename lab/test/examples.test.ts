import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { loadConfiguration, ofKind, type Resource } from '@routerd/resources';
import { CLOUD_ACCOUNTS } from '../src/cloud-accounts.ts';
import { exampleFile, EXAMPLES_DIR, filledInExample, KEY_PLACEHOLDERS } from '../src/examples.ts';
import { PAIRS, sidesOf } from '../src/pair-topology.ts';
import { renderRouterConfig } from '../src/router-config.ts';
import { CLOUDS, ROUTERS } from '../src/topology.ts';
import { generateWireGuardKeys } from '../src/wireguard-keys.ts';

/** Configurations of routers; an example of a plugin has a plan of its own. */
const EXAMPLES = globSync('**/*.yaml', { cwd: EXAMPLES_DIR })
  .filter((name) => !name.startsWith('executor-'))
  .toSorted();
const SIDES = ['cloud', 'onprem'] as const;

function load(file: string): readonly Resource[] {
  const { resources, diagnostics } = loadConfiguration([{ file, text: readFileSync(file, 'utf8') }]);
  expect(diagnostics).toEqual([]);
  return resources.map(({ value }) => value);
}

test('the examples are the three pairs and the eight routers of four sites', () => {
  const pairs = CLOUDS.flatMap((cloud) => SIDES.map((side) => path.basename(exampleFile(cloud, side))));
  const fourSites = ROUTERS.map(({ name }) => `four-sites/${name}.yaml`);
  expect(EXAMPLES).toEqual([...pairs, ...fourSites].toSorted());
});

test.each(EXAMPLES)('%s is valid without a warning', (name) => {
  expect(load(path.join(EXAMPLES_DIR, name)).length).toBeGreaterThan(0);
});

test.each(EXAMPLES)('an editor finds the schema of %s', (name) => {
  const file = path.join(EXAMPLES_DIR, name);
  const [, schema = ''] = /^# yaml-language-server: \$schema=(.+)$/m.exec(readFileSync(file, 'utf8')) ?? [];
  expect(existsSync(path.resolve(path.dirname(file), schema))).toBe(true);
});

const pairFiles = CLOUDS.flatMap((cloud) => SIDES.map((side) => ({ cloud, side })));

test.each(pairFiles)('the $side file of $cloud has one value to replace, and its line says so', ({ cloud, side }) => {
  const text = readFileSync(exampleFile(cloud, side), 'utf8');
  const other = side === 'cloud' ? 'onprem' : 'cloud';
  const marked = text.split('\n').filter((line) => /# REPLACE\b/.test(line));
  expect(marked).toEqual([expect.stringContaining(`publicKey: ${KEY_PLACEHOLDERS[other]} `)]);

  const keys = { cloud: generateWireGuardKeys().publicKey, onprem: generateWireGuardKeys().publicKey };
  const filled = filledInExample(cloud, side, keys).split('\n');
  const changed = text.split('\n').flatMap((line, index) => (line === filled[index] ? [] : [filled[index]]));
  expect(changed).toEqual([expect.stringContaining(`publicKey: ${keys[other]} # REPLACE`)]);
});

test.each(pairFiles)('the lab has the names and addresses of the $side file of $cloud', ({ cloud, side }) => {
  const pair = PAIRS[cloud];
  const { [side]: here } = sidesOf(pair);
  const { [side === 'cloud' ? 'onprem' : 'cloud']: there } = sidesOf(pair);
  const resources = load(exampleFile(cloud, side));

  expect(ofKind(resources, 'Interface').map(({ spec }) => spec.ifname)).toEqual([here.router.nic]);
  expect(ofKind(resources, 'IPv4StaticAddress').map(({ spec }) => spec.address)).toEqual([`${here.router.overlay}/30`]);
  expect(ofKind(resources, 'OverlayPeer')).toMatchObject([
    { spec: { nodeID: there.router.name, underlay: { address: there.router.overlay } } },
  ]);
  expect(ofKind(resources, 'AddressMobilityDomain').map(({ spec }) => spec.prefix)).toEqual([pair.subnet]);
  const capture =
    side === 'cloud'
      ? { type: 'provider-secondary-ip', nicRef: CLOUD_ACCOUNTS[cloud].nicId(here.router.name) }
      : { type: 'proxy-arp' };
  expect(ofKind(resources, 'RemoteAddressClaim')).toMatchObject([
    { spec: { address: `${there.client.address}/32`, capture: { ...capture, interface: here.router.nic } } },
  ]);
  const endpoint = there.router.wanAddress === undefined ? undefined : `${there.router.wanAddress}:51820`;
  expect(ofKind(resources, 'WireGuardPeer').map(({ spec }) => spec.endpoint)).toEqual([endpoint]);
});

/** What of a router's documents depends on the installation: keys, files, and how patient a crowded machine has to be. */
const INSTALLED = ['seedFile', 'caFile', 'privateKeyFile', 'publicKey', 'executable', 'args'];
const ONLY_IN_THE_LAB = ['env', 'heartbeat'];

function shapeOf(text: string): unknown[] {
  return parseAllDocuments(text).map((document): unknown =>
    JSON.parse(JSON.stringify(document.toJS()), (key, value: unknown) =>
      ONLY_IN_THE_LAB.includes(key) ? undefined : INSTALLED.includes(key) ? '…' : value,
    ),
  );
}

test.each(ROUTERS.map(({ name }) => name))('the four-site example of %s is what the lab runs there', (name) => {
  const router = ROUTERS.find((each) => each.name === name);
  if (router === undefined) throw new Error(`no router ${name}`);
  const keys = new Map(ROUTERS.map((each) => [each.name, 'key']));
  const inTheLab = renderRouterConfig(router, {
    seedFile: 'file',
    hubCaFile: 'file',
    wireGuardKeyFile: 'file',
    identities: keys,
    wireGuardKeys: keys,
    executor: { node: 'node', main: 'main.ts', environment: {} },
  });
  const example = readFileSync(path.join(EXAMPLES_DIR, 'four-sites', `${name}.yaml`), 'utf8');
  expect(shapeOf(example)).toEqual(shapeOf(inTheLab));
});
