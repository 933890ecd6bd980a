import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { KINDS } from '@routerd/resources';
import { CLOUD_ACCOUNTS, cloudConfigOf } from '../src/cloud-accounts.ts';
import { cloudConfig } from '../src/cloud/cloud-config.ts';
import { FIVE_SITES } from '../src/gcp-site.ts';
import { hostsFile } from '../src/guest-files.ts';
import { labFiles } from '../src/lab-files.ts';
import { renderRouterConfig, type RouterMaterial } from '../src/router-config.ts';
import { topologyOfSites } from '../src/topologies.ts';
import {
  carrierPort,
  EMULATED_CLOUDS,
  FOUR_SITES,
  HOST_NAMES,
  listenPortFor,
  peersOf,
  ROUTERS,
  tunnelTo,
} from '../src/topology.ts';

const ALL = FIVE_SITES.federated;
const material: RouterMaterial = {
  seedFile: '/keys/seed',
  hubCaFile: '/keys/ca.pem',
  wireGuardKeyFile: '/keys/wireguard',
  identities: new Map(ALL.map(({ name }, index) => [name, `U${'ABCDEFGHIJ'[index]}`.padEnd(56, 'A')])),
  wireGuardKeys: new Map(ALL.map(({ name }, index) => [name, `${'ABCDEFGHIJ'[index]}`.padEnd(43, 'A').concat('=')])),
  executor: { node: '/usr/bin/node', main: '/plugins/main.ts', environment: {} },
};

const documentsOf = (name: string, members = ROUTERS): unknown[] => {
  const router = members.find((each) => each.name === name);
  if (router === undefined) throw new Error(`no router ${name}`);
  return parseAllDocuments(renderRouterConfig(router, material, members)).map((document): unknown => document.toJS());
};

test.each([FOUR_SITES, FIVE_SITES])(
  '$id: every document of every router is accepted by the schema of its kind',
  (lab) => {
    for (const { name } of lab.federated) {
      for (const document of documentsOf(name, lab.federated)) {
        const kind = Object.values(KINDS).find((schema) => schema.safeParse(document).success);
        expect(kind, `${name}: ${JSON.stringify(document)}`).toBeDefined();
      }
    }
  },
);

test('the mobility pool is the same document on every router', () => {
  const pools = ROUTERS.map(({ name }) =>
    JSON.stringify(documentsOf(name).find((document) => JSON.stringify(document).includes('"MobilityPool"'))),
  );
  expect(new Set(pools).size).toBe(1);
});

test('both ends of every tunnel agree on the ports, and no router uses a port twice', () => {
  for (const router of ROUTERS) {
    const ports = peersOf(router).map(listenPortFor);
    expect(new Set(ports).size).toBe(ports.length);
    for (const peer of peersOf(router)) {
      const text = renderRouterConfig(peer, material);
      expect(text).toContain(`${router.wanAddress}:${listenPortFor(peer)}`);
    }
  }
});

/** Hosts with a cable to the WAN or to the on-prem LAN. */
const plugged = HOST_NAMES.filter((name) => !/^(aws|azure|oci)-(router|client)/.test(name));

test('no two hosts share an address, and every device name fits the kernel', () => {
  const { clients, fabrics } = FIVE_SITES;
  const addresses = [...ALL, ...clients].map((host) => host.address);
  const wan = [...ALL, ...fabrics].map((host) => host.wanAddress);
  expect(new Set(ALL.map(({ overlay }) => overlay)).size).toBe(10);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(new Set(wan).size).toBe(wan.length);
  for (const name of [...ALL.map(tunnelTo), ...plugged.map(carrierPort), 'p-gcp'])
    expect(name.length).toBeLessThanOrEqual(15);
});

test('what a cloud is told is what its schema accepts, with ids that differ between machines', () => {
  const pki = { tls: { certFile: '/tls/cert.pem', keyFile: '/tls/key.pem' }, identityCaDir: '/tls/identity' };
  for (const cloud of EMULATED_CLOUDS) {
    const told = cloudConfigOf(cloud, {
      topology: FIVE_SITES,
      files: labFiles('unit'),
      pki,
      timings: { mutationDelayMs: 1, fabricDelayMs: 1 },
    });
    expect(cloudConfig.safeParse(told).error).toBeUndefined();
    expect(new Set(told.instances.map(({ nicId }) => nicId)).size).toBe(3);
    expect(told.controlSocket.length).toBeLessThan(108);
  }
  expect(CLOUD_ACCOUNTS.aws.instanceId('aws-router-a')).toMatch(/^i-[0-9a-f]{17}$/);
});

test('a lab is chosen by its sites, in whatever order; the pool of one with GCP leaves its routers out', () => {
  expect(topologyOfSites(['gcp', 'onprem'])?.id).toBe('onprem-and-gcp');
  expect(topologyOfSites(['gcp', 'oci', 'azure', 'aws', 'onprem'])?.id).toBe('five-sites');
  expect(topologyOfSites(['onprem', 'mars'])).toBeUndefined();
  const excluded = (members: typeof ROUTERS): boolean =>
    JSON.stringify(documentsOf('onprem-router-a', members)).includes('10.77.60.14/31');
  expect([excluded(ROUTERS), excluded(ALL)]).toEqual([false, true]);
});

test("only a cloud's guests find its vendor's names, on the fabric", () => {
  expect(hostsFile(FOUR_SITES, 'aws')).toMatch(/^192\.0\.2\.10 ec2\.eu-west-1\.amazonaws\.com\b/m);
  expect(hostsFile(FOUR_SITES, 'azure')).not.toContain('amazonaws');
  expect(hostsFile(FOUR_SITES, 'onprem')).not.toContain('192.0.2.10');
});
